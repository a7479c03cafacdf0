import COTelHookABI
import COTelShims
import OTelAPI
import OTelInstrumentation
import OTelPrimitives

/// The values of one header of a handle's transfer, on their way into an attribute. In the handle's memory: one at a time.
struct CapturedHeader {
  /// In lower case; a NUL follows.
  let name: Text
  /// The user has written it in full.
  let isNamed: Bool
  private let memory: UnsafeMutablePointer<otel_curl_headers>
  private let values: UnsafeMutablePointer<Text>
  private var count = 0

  /// - Parameter name: at most `HeaderSelection.longestName` bytes; the rest is cut off.
  init(_ name: Text, isNamed: Bool, of handle: EasyHandle) {
    memory = handle.headers
    values = otel_curl_header_values(memory).assumingMemoryBound(to: Text.self)
    let start = otel_curl_header_name(memory)
    let name = name.slice(0, HeaderSelection.longestName)
    var index = 0
    while index < name.count {
      start[index] = Text.lowercased(name[index])
      index &+= 1
    }
    start[index] = 0
    self.name = Text(start, count: index)
    self.isNamed = isNamed
  }

  /// A further one than there is room for is left out. Borrowed until `write`.
  mutating func add(_ value: Text) {
    guard count < Int(OTEL_CURL_HEADER_VALUES) else { return }
    values[count] = value
    count &+= 1
  }

  /// Nothing without a value. Inlined, as what it calls needs the stack.
  @inline(__always)
  func write<A: SpanAttributes>(_ prefix: StaticString, to attributes: inout A, _ settings: UnsafePointer<InstrumentationSettings>) {
    guard count > 0 else { return }
    redact(settings)
    attributes.set(prefix, lowercased: name, strings: UnsafeBufferPointer(start: values, count: count))
  }

  @inline(never)
  private func redact(_ settings: UnsafePointer<InstrumentationSettings>) {
    let isSecret = HeaderSecrecy.isSecret(name, isNamed: isNamed, redacted: settings.pointee.redactedHeaders)
    guard isSecret || HeaderSecrecy.isURL(name) else { return }
    var index = isSecret ? 0 : 1
    while index < count {
      values[index] = HeaderSecrecy.mark
      index &+= 1
    }
    // One URL is all that there may be, and all that there is room for.
    guard !isSecret else { return }
    let url = otel_curl_header_url(memory)
    values[0] = Text(
      url, count: HeaderSecrecy.writeURL(values[0], to: url, capacity: Int(OTEL_CURL_HEADER_URL), keys: settings.pointee.queryKeys))
  }
}
