package import OTelConfiguration
package import OTelPrimitives

/// Where and how the spans of a process are sent, as its `OTEL_EXPORTER_OTLP_*` variables say. Equal options share one destination.
package struct OTLPExporterOptions: Hashable {
  package var endpoint: OTLPEndpoint
  package var headers: [OTLPHeader]
  /// Of one request, in milliseconds; 0 = no limit.
  package var timeoutMilliseconds: Int

  package static let defaultTimeoutMilliseconds = 10_000

  package init(endpoint: OTLPEndpoint, headers: [OTLPHeader] = [], timeoutMilliseconds: Int = defaultTimeoutMilliseconds) {
    self.endpoint = endpoint
    self.headers = headers
    self.timeoutMilliseconds = timeoutMilliseconds
  }

  /// The options for spans. An invalid value is reported and counts as unset.
  package init(traces environment: EnvironmentBlock, problems: inout [InvalidSetting]) {
    endpoint = Self.endpoint(environment, &problems)
    headers = Self.headers(environment, &problems)
    timeoutMilliseconds = Self.timeout(environment, &problems)
    Self.checkProtocol(environment, &problems)
    Self.checkUnsupported(environment, &problems)
  }

  private static func endpoint(_ environment: EnvironmentBlock, _ problems: inout [InvalidSetting]) -> OTLPEndpoint {
    func invalid(_ name: String) {
      problems.append(
        InvalidSetting(
          name, "the value is not an http:// or https:// URL with a host and is ignored. Write it like http://localhost:4318, with the scheme."))
    }
    if let value = environment.value("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
      if let endpoint = OTLPEndpoint(signal: value) { return endpoint }
      invalid("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    }
    if let value = environment.value("OTEL_EXPORTER_OTLP_ENDPOINT") {
      if let endpoint = OTLPEndpoint(base: value, appending: "v1/traces") { return endpoint }
      invalid("OTEL_EXPORTER_OTLP_ENDPOINT")
    }
    return .defaultTraces
  }

  private static func headers(_ environment: EnvironmentBlock, _ problems: inout [InvalidSetting]) -> [OTLPHeader] {
    if let value = environment.value("OTEL_EXPORTER_OTLP_TRACES_HEADERS") {
      return OTLPHeaders.parse(value, variable: "OTEL_EXPORTER_OTLP_TRACES_HEADERS", problems: &problems)
    }
    guard let value = environment.value("OTEL_EXPORTER_OTLP_HEADERS") else { return [] }
    return OTLPHeaders.parse(value, variable: "OTEL_EXPORTER_OTLP_HEADERS", problems: &problems)
  }

  private static func timeout(_ environment: EnvironmentBlock, _ problems: inout [InvalidSetting]) -> Int {
    for name in ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"] as [StaticString] {
      guard let value = environment.value(name) else { continue }
      if let milliseconds = ValueParser.integer(value) { return Int(milliseconds) }
      problems.append(
        InvalidSetting("\(name)", "\"\(String(value))\" is not a number of milliseconds (0 = no limit) and is ignored."))
    }
    return defaultTimeoutMilliseconds
  }

  /// Settings that cannot be honoured are said out loud: an https endpoint with a private authority fails, and this tells why.
  private static func checkUnsupported(_ environment: EnvironmentBlock, _ problems: inout [InvalidSetting]) {
    for name in ["OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"] as [StaticString] {
      guard let value = environment.value(name) else { continue }
      if !value.trimmed.equalsIgnoringCase("none") {
        problems.append(InvalidSetting("\(name)", "\"\(String(value))\" is not supported yet; requests are sent uncompressed."))
      }
      break
    }
    let files: [(StaticString, StaticString)] = [
      ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"),
      ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"),
      ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "OTEL_EXPORTER_OTLP_CLIENT_KEY"),
    ]
    for (own, common) in files {
      guard let name = [own, common].first(where: { environment.value($0) != nil }) else { continue }
      problems.append(InvalidSetting("\(name)", "is not supported yet; https endpoints are checked against the system's certificate authorities."))
    }
  }

  private static func checkProtocol(_ environment: EnvironmentBlock, _ problems: inout [InvalidSetting]) {
    for name in ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"] as [StaticString] {
      guard let value = environment.value(name) else { continue }
      if !value.trimmed.equalsIgnoringCase("http/protobuf") {
        problems.append(
          InvalidSetting(
            "\(name)",
            "\"\(String(value))\" is not supported; http/protobuf is used. Point the endpoint at the collector's OTLP/HTTP port, usually 4318."
          ))
      }
      return
    }
  }
}
