import COTelShims
import OTLPWire
import OTelConfiguration
import OTelPrimitives
import OTelRegion
import OTelSDK

/// Makes the resource that the exporter console prints: what a relay says of the process (`OTelReceiver.ResourceBuilder`), as far as it can
/// be had without opening a file.
///
/// Runs once, in the ELF constructor, and only for that exporter. What does not fit is left out.
struct ResourceAttributes {
  private var writer: FieldWriter
  private let start: UnsafeMutableRawPointer
  private let end: UnsafeMutableRawPointer
  /// `OTEL_RESOURCE_ATTRIBUTES`; empty when any part of it is wrong: "the entire environment variable value SHOULD be discarded"
  /// (resource/sdk.md).
  private let users: Text

  /// - Parameter storage: is kept in use for the process's life.
  init(_ environment: EnvironmentBlock, storage: UnsafeMutableRawPointer, capacity: Int) {
    (start, end) = (storage, storage + capacity)
    writer = FieldWriter(storage)
    let text = environment.value("OTEL_RESOURCE_ATTRIBUTES") ?? Text("")
    users = Self.isValid(text) ? text : Text("")
  }

  mutating func resource(_ environment: EnvironmentBlock, _ process: otel_region_request) -> Resource {
    addServiceName(environment, process)
    add("telemetry.sdk.name", Text(Distribution.name))
    add("telemetry.sdk.language", Text(Distribution.language))
    add("telemetry.sdk.version", Text(Version.current))
    add("telemetry.distro.name", Text(Distribution.name))
    add("telemetry.distro.version", Text(Version.current))
    add("process.executable.name", Self.executableName(process))
    if let command = process.command { add("process.command", Text(cString: command)) }
    addCreationTime(process.start_time)
    addHostName()
    add("host.arch", Self.architecture)
    add("os.type", Text("linux"))
    addUsers()
    var resource = Resource()
    resource.attributes = Text(UnsafePointer(start.assumingMemoryBound(to: UInt8.self)), count: writer.next - start)
    resource.hasInstanceID = hasUser("service.instance.id")
    resource.hasProcessID = hasUser("process.pid")
    return resource
  }

  // MARK: What is detected

  /// OTEL_SERVICE_NAME wins; an empty name is none.
  private mutating func addServiceName(_ environment: EnvironmentBlock, _ process: otel_region_request) {
    if let name = environment.value("OTEL_SERVICE_NAME") { return put(Text("service.name"), name, isEncoded: false) }
    if let name = lastUser("service.name"), !name.isEmpty { return put(Text("service.name"), name, isEncoded: true) }
    let executable = Self.executableName(process)
    guard !executable.isEmpty else { return put(Text("service.name"), Text("unknown_service"), isEncoded: false) }
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 272) { buffer in
      guard let name = buffer.baseAddress else { return }
      let prefix = Text("unknown_service:")
      let count = executable.count < 256 ? executable.count : 255
      memcpy(name, prefix.start, prefix.count)
      memcpy(name + prefix.count, executable.start, count)
      put(Text("service.name"), Text(name, count: prefix.count &+ count), isEncoded: false)
    }
  }

  private static func executableName(_ process: otel_region_request) -> Text {
    guard let executable = process.executable else { return Text("") }
    let path = Text(cString: executable)
    var start = path.count
    while start > 0, path[start &- 1] != 0x2f { start &-= 1 }
    let name = path.from(start)
    // What /proc/self/exe says once the file has been replaced (proc_pid_exe(5)).
    let deleted = Text(" (deleted)")
    return name.from(name.count &- deleted.count).equals(deleted) ? name.slice(0, name.count &- deleted.count) : name
  }

  private mutating func addCreationTime(_ time: UInt64) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { buffer in
      guard let text = buffer.baseAddress else { return }
      add("process.creation.time", Text(text, count: Timestamp.write(time, digits: 3, to: text)))
    }
  }

  private mutating func addHostName() {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 72) { buffer in
      guard let name = buffer.baseAddress, otel_host_name(name, 72) else { return }
      add("host.name", Text(cString: name))
    }
  }

  private static var architecture: Text {
    #if arch(arm64)
      Text("arm64")
    #else
      Text("amd64")
    #endif
  }

  @inline(never)
  private mutating func add(_ key: StaticString, _ value: Text) {
    if !value.isEmpty, !hasUser(key) { put(Text(key), value, isEncoded: false) }
  }

  // MARK: The user's

  private static func isValid(_ text: Text) -> Bool {
    var members = KeyValueList(text)
    while let member = members.next() {
      guard case .pair(let key, let value) = member, isUTF8(key), isUTF8(value) else { return false }
    }
    return true
  }

  /// Whether a percent-encoded text is UTF-8, once it is decoded.
  private static func isUTF8(_ text: Text) -> Bool {
    var bytes = PercentEncoding.DecodedBytes(text)
    // The next four bytes, the first one lowest.
    var window: UInt32 = 0
    var count = 0
    while true {
      while count < 4, let byte = bytes.next() {
        window |= UInt32(byte) &<< UInt32(truncatingIfNeeded: 8 &* count)
        count &+= 1
      }
      guard count > 0 else { return true }
      let length = withUnsafeBytes(of: &window) { buffer in
        buffer.baseAddress.map { UTF8Measure.sequenceLength(Text($0.assumingMemoryBound(to: UInt8.self), count: count), 0) } ?? 0
      }
      guard length > 0 else { return false }
      count &-= length
      window = length == 4 ? 0 : window &>> UInt32(truncatingIfNeeded: 8 &* length)
    }
  }

  private func lastUser(_ name: StaticString) -> Text? {
    var found: Text?
    var members = KeyValueList(users)
    while let member = members.next() {
      if case .pair(let key, let value) = member, Self.isSame(key, Text(name)) { found = value }
    }
    return found
  }

  private func hasUser(_ name: StaticString) -> Bool { lastUser(name) != nil }

  /// Of pairs with the same key the last counts; `service.name` is there already.
  private mutating func addUsers() {
    var members = KeyValueList(users)
    while let member = members.next() {
      guard case .pair(let key, let value) = member, !Self.isSame(key, Text("service.name")) else { continue }
      var later = members
      var isRepeated = false
      while let other = later.next() {
        if case .pair(let name, _) = other, Self.isSame(key, name) { isRepeated = true }
      }
      if !isRepeated { put(key, value, isEncoded: true) }
    }
  }

  /// Whether two percent-encoded texts mean the same.
  @inline(never)
  private static func isSame(_ first: Text, _ second: Text) -> Bool {
    var (left, right) = (PercentEncoding.DecodedBytes(first), PercentEncoding.DecodedBytes(second))
    while true {
      let (a, b) = (left.next(), right.next())
      guard a == b else { return false }
      if a == nil { return true }
    }
  }

  // MARK: OTLP

  /// `attributes { key: … value { string_value: … } }`.
  @inline(never)
  private mutating func put(_ key: Text, _ value: Text, isEncoded: Bool) {
    let keyCount = Self.count(key, isEncoded)
    let valueCount = Self.count(value, isEncoded)
    let anyCount = 1 &+ FieldWriter.varintSize(valueCount) &+ valueCount
    let pairCount = 2 &+ FieldWriter.varintSize(keyCount) &+ keyCount &+ FieldWriter.varintSize(anyCount) &+ anyCount
    guard end - writer.next >= pairCount &+ 4 else { return }
    writer.byte(0x0a)
    writer.varint(UInt64(truncatingIfNeeded: pairCount))
    writer.byte(SpanField.key)
    bytes(key, keyCount, isEncoded)
    writer.byte(SpanField.value)
    writer.varint(UInt64(truncatingIfNeeded: anyCount))
    writer.byte(SpanField.stringValue)
    bytes(value, valueCount, isEncoded)
  }

  private mutating func bytes(_ text: Text, _ count: Int, _ isEncoded: Bool) {
    writer.varint(UInt64(truncatingIfNeeded: count))
    guard isEncoded else { return writer.bytes(text) }
    var decoded = PercentEncoding.DecodedBytes(text)
    while let byte = decoded.next() { writer.byte(byte) }
  }

  private static func count(_ text: Text, _ isEncoded: Bool) -> Int {
    guard isEncoded else { return text.count }
    var decoded = PercentEncoding.DecodedBytes(text)
    var count = 0
    while decoded.next() != nil { count &+= 1 }
    return count
  }
}
