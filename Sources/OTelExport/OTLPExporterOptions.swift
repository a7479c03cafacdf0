package import OTelConfiguration
package import OTelPrimitives

/// Where and how the spans of a process are sent, as its `OTEL_EXPORTER_OTLP_*` variables say. Equal options share one destination.
package struct OTLPExporterOptions: Hashable {
  package var endpoint: OTLPEndpoint
  package var headers: [OTLPHeader]
  /// Of one request, in milliseconds; 0 = no limit.
  package var timeoutMilliseconds: Int
  package var compression = Compression.none
  /// Of an https endpoint; none for another.
  package var credentials = TLSCredentials()

  package static let defaultTimeoutMilliseconds = 10_000

  package init(endpoint: OTLPEndpoint, headers: [OTLPHeader] = [], timeoutMilliseconds: Int = defaultTimeoutMilliseconds) {
    self.endpoint = endpoint
    self.headers = headers
    self.timeoutMilliseconds = timeoutMilliseconds
  }

  /// The options for spans. An invalid value is reported and counts as unset.
  /// - Parameter files: what the process read of the files it names; see `TLSCredentials`.
  package init(traces environment: EnvironmentBlock, files: EnvironmentBlock, problems: inout [InvalidSetting]) {
    endpoint = Self.endpoint(environment, &problems)
    headers = Self.headers(environment, &problems)
    timeoutMilliseconds = Self.timeout(environment, &problems)
    compression = Self.compression(environment, &problems)
    Self.checkProtocol(environment, &problems)
    guard endpoint.isSecure else { return }
    credentials = TLSCredentials(traces: environment, files: files)
    if let flaw = credentials.flaw { problems.append(InvalidSetting("https", "\(flaw). Spans for \(endpoint.displayURL) are not sent.")) }
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

  private static func compression(_ environment: EnvironmentBlock, _ problems: inout [InvalidSetting]) -> Compression {
    for name in ["OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"] as [StaticString] {
      guard let value = environment.value(name) else { continue }
      if value.trimmed.equalsIgnoringCase("gzip") { return .gzip }
      if value.trimmed.equalsIgnoringCase("none") { return .none }
      problems.append(InvalidSetting("\(name)", "\(String(quoting: value)) is neither gzip nor none and is ignored."))
    }
    return .none
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
