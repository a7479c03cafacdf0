import OTelConfiguration
import OTelPrimitives
import OTelTestSupport
import Testing

@testable import OTelExport

@Suite struct OTLPExporterOptionsTests {
  private func options(_ variables: String...) -> (OTLPExporterOptions, [InvalidSetting]) {
    var problems: [InvalidSetting] = []
    let options = withText(variables.map { $0 + "\0" }.joined()) { OTLPExporterOptions(traces: EnvironmentBlock($0), problems: &problems) }
    return (options, problems)
  }

  @Test func defaults() {
    let (found, problems) = options()
    #expect(found == OTLPExporterOptions(endpoint: .defaultTraces, headers: [], timeoutMilliseconds: 10_000))
    #expect(problems.isEmpty)
  }

  @Test func theSignalsVariablesWin() {
    let (found, problems) = options(
      "OTEL_EXPORTER_OTLP_ENDPOINT=http://all:1", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://one:2/p", "OTEL_EXPORTER_OTLP_HEADERS=a=1,b=2",
      "OTEL_EXPORTER_OTLP_TRACES_HEADERS=c=3", "OTEL_EXPORTER_OTLP_TIMEOUT=5", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT=0")
    #expect(found.endpoint.url == "http://one:2/p")
    #expect(found.headers == [OTLPHeader(name: "c", value: "3")])
    #expect(found.timeoutMilliseconds == 0)
    #expect(problems.isEmpty)
  }

  @Test("An empty value is none, and the general one counts")
  func emptyIsUnset() {
    let (found, _) = options("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=", "OTEL_EXPORTER_OTLP_ENDPOINT=http://all:1")
    #expect(found.endpoint.url == "http://all:1/v1/traces")
  }

  @Test func invalidValuesAreReportedAndCountAsUnset() {
    let (found, problems) = options(
      "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=localhost:4318", "OTEL_EXPORTER_OTLP_ENDPOINT=http://all:1", "OTEL_EXPORTER_OTLP_TIMEOUT=10s")
    #expect(found.endpoint.url == "http://all:1/v1/traces")
    #expect(found.timeoutMilliseconds == 10_000)
    #expect(problems.map(\.name) == ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_TIMEOUT"])
  }

  @Test(arguments: [("grpc", 1), ("http/json", 1), ("HTTP/protobuf", 0), ("http/protobuf", 0)])
  func otherProtocolsAreReported(_ value: String, _ count: Int) {
    #expect(options("OTEL_EXPORTER_OTLP_PROTOCOL=\(value)").1.count == count)
  }

  @Test func whatIsNotSupportedIsSaid() {
    let (_, problems) = options("OTEL_EXPORTER_OTLP_COMPRESSION=gzip", "OTEL_EXPORTER_OTLP_CERTIFICATE=/ca.pem")
    #expect(problems.map(\.name) == ["OTEL_EXPORTER_OTLP_COMPRESSION", "OTEL_EXPORTER_OTLP_CERTIFICATE"])
    #expect(options("OTEL_EXPORTER_OTLP_COMPRESSION=none").1.isEmpty)
  }
}
