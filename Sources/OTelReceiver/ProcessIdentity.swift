package import OTelConfiguration
package import OTelPrimitives
import OTelRegion

/// Who a process is: what its region's identity area says. Bytes that are not UTF-8 are repaired.
package struct ProcessIdentity {
  package var processID: Int?
  /// Inode number of the name space that `processID` is of.
  package var pidNamespace: UInt64?
  package var userID: UInt32?
  package var executablePath: String?
  /// argv[0].
  package var command: String?
  package var startTimeUnixNano: UInt64?
  package var hostName: String?
  package var machine: String?
  package var kernelRelease: String?
  /// The user's resource attributes, OTEL_SERVICE_NAME included, which wins over service.name among them.
  package var userAttributes: [(key: String, value: String)] = []

  package var problems: [InvalidSetting] = []

  package init(_ bytes: [UInt8]) {
    var found: [InvalidSetting] = []
    bytes.withUnsafeBufferPointer { buffer in
      let block = EnvironmentBlock(identity: buffer)
      func string(_ name: StaticString) -> String? { block.value(name).map { String($0) } }
      func number(_ name: StaticString) -> UInt64? { block.value(name).flatMap { ValueParser.integer($0, most: .max) } }
      processID = number(Identity.processID).map { Int(clamping: $0) }
      pidNamespace = number(Identity.pidNamespace)
      userID = number(Identity.userID).map { UInt32(clamping: $0) }
      executablePath = string(Identity.executablePath)
      command = string(Identity.command)
      startTimeUnixNano = block.value(Identity.startTime).flatMap { UInt64(String($0)) }
      hostName = string(Identity.hostName)
      machine = string(Identity.machine)
      kernelRelease = string(Identity.kernelRelease)
      userAttributes = Self.userAttributes(block, &found)
    }
    problems = found
  }

  package var executableName: String? {
    guard let name = executablePath?.split(separator: "/").last.map(String.init) else { return nil }
    // What /proc/self/exe says once the file has been replaced (proc_pid_exe(5)).
    return name.hasSuffix(" (deleted)") ? String(name.dropLast(" (deleted)".count)) : name
  }

  /// What people call the process. Source: semantic conventions, resource/README.md, "service.name".
  package var serviceName: String {
    userAttributes.last { $0.key == "service.name" && !$0.value.isEmpty }?.value ?? executableName.map { "unknown_service:\($0)" } ?? "unknown_service"
  }

  /// `OTEL_RESOURCE_ATTRIBUTES`: "in case of any error, e.g. failure during the decoding process, the entire environment variable value
  /// SHOULD be discarded and an error SHOULD be reported" (specification, resource/sdk.md).
  private static func userAttributes(_ block: EnvironmentBlock, _ problems: inout [InvalidSetting]) -> [(key: String, value: String)] {
    var attributes: [(key: String, value: String)] = []
    if let text = block.value("OTEL_RESOURCE_ATTRIBUTES") {
      if let parsed = parseAttributes(text) {
        attributes = parsed
      } else {
        problems.append(
          InvalidSetting(
            "OTEL_RESOURCE_ATTRIBUTES",
            "the value is not key=value,key=value with percent-encoded values and is ignored as a whole, as the specification says."))
      }
    }
    if let name = block.value("OTEL_SERVICE_NAME") {
      attributes.removeAll { $0.key == "service.name" }
      attributes.append(("service.name", String(name)))
    }
    return attributes
  }

  static func parseAttributes(_ text: Text) -> [(key: String, value: String)]? {
    var attributes: [(key: String, value: String)] = []
    var members = KeyValueList(text)
    while let member = members.next() {
      guard case .pair(let encodedKey, let encodedValue) = member, let key = PercentEncoding.decoded(encodedKey),
        let value = PercentEncoding.decoded(encodedValue), key.withUnsafeBytes({ UTF8Measure.isWellFormed(Text($0)) }), value.withUnsafeBytes({ UTF8Measure.isWellFormed(Text($0)) })
      else { return nil }
      let name = String(decoding: key, as: UTF8.self)
      attributes.removeAll { $0.key == name }
      attributes.append((name, String(decoding: value, as: UTF8.self)))
    }
    return attributes
  }
}

extension EnvironmentBlock {
  /// A region's identity area. Valid as long as `buffer`.
  package init(identity buffer: UnsafeBufferPointer<UInt8>) {
    guard let start = buffer.baseAddress else {
      self.init(Text(""))
      return
    }
    self.init(Text(start, count: buffer.count))
  }
}
