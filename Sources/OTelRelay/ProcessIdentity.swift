import OTelConfiguration
import OTelExport
import OTelPrimitives
import OTelRegion

/// Who a process is and how it wants to be exported: what its region's identity area says. Bytes that are not UTF-8 are repaired.
struct ProcessIdentity {
  var processID: Int?
  var userID: UInt32?
  var executablePath: String?
  /// argv[0].
  var command: String?
  var startTimeUnixNano: UInt64?
  var hostName: String?
  var machine: String?
  var kernelRelease: String?
  /// The user's resource attributes, OTEL_SERVICE_NAME included, which wins over service.name among them.
  var userAttributes: [(key: String, value: String)] = []

  var exporter: OTLPExporterOptions
  var batch: BatchSettings
  var problems: [InvalidSetting] = []

  init(_ bytes: [UInt8]) {
    var found: [InvalidSetting] = []
    (exporter, batch) = bytes.withUnsafeBufferPointer { buffer in
      let block = Self.block(buffer)
      return (OTLPExporterOptions(traces: block, problems: &found), BatchSettings(block, problems: &found))
    }
    bytes.withUnsafeBufferPointer { buffer in
      let block = Self.block(buffer)
      func string(_ name: StaticString) -> String? { block.value(name).map { String($0) } }
      func number(_ name: StaticString) -> UInt64? { block.value(name).flatMap { ValueParser.integer($0, most: .max) } }
      processID = number(Identity.processID).map { Int(clamping: $0) }
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

  /// Valid as long as `buffer`.
  private static func block(_ buffer: UnsafeBufferPointer<UInt8>) -> EnvironmentBlock {
    guard let start = buffer.baseAddress else { return EnvironmentBlock(Text("")) }
    return EnvironmentBlock(Text(start, count: buffer.count))
  }

  var executableName: String? {
    guard let name = executablePath?.split(separator: "/").last.map(String.init) else { return nil }
    // What /proc/self/exe says once the file has been replaced (proc_pid_exe(5)).
    return name.hasSuffix(" (deleted)") ? String(name.dropLast(" (deleted)".count)) : name
  }

  /// What people call the process. Source: semantic conventions, resource/README.md, "service.name".
  var serviceName: String {
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
        let value = PercentEncoding.decoded(encodedValue), key.withUnsafeBytes(isValidUTF8), value.withUnsafeBytes(isValidUTF8)
      else { return nil }
      let name = String(decoding: key, as: UTF8.self)
      attributes.removeAll { $0.key == name }
      attributes.append((name, String(decoding: value, as: UTF8.self)))
    }
    return attributes
  }
}
