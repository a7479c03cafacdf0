import OTelConfiguration
import OTelPrimitives
import OTelTestSupport
import Testing

@testable import OTelExport

@Suite struct OTLPExporterOptionsTests {
  private func options(_ variables: String..., files: [String] = []) -> (OTLPExporterOptions, [InvalidSetting]) {
    var problems: [InvalidSetting] = []
    let options = withText(variables.map { $0 + "\0" }.joined()) { environment in
      withText(files.map { $0 + "\0" }.joined()) {
        OTLPExporterOptions(traces: EnvironmentBlock(environment), files: EnvironmentBlock($0), problems: &problems)
      }
    }
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

  @Test(arguments: [("gzip", Compression.gzip, 0), (" GZIP ", .gzip, 0), ("none", .none, 0), ("zstd", .none, 1)])
  func compression(_ value: String, _ expected: Compression, _ count: Int) {
    let (found, problems) = options("OTEL_EXPORTER_OTLP_COMPRESSION=\(value)")
    #expect(found.compression == expected)
    #expect(problems.map(\.name) == [String](repeating: "OTEL_EXPORTER_OTLP_COMPRESSION", count: count))
    #expect(options("OTEL_EXPORTER_OTLP_COMPRESSION=\(value)", "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION=none").0.compression == .none)
  }

  // MARK: Files for https

  private static let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
  private static let key = "-----BEGIN PRIVATE KEY-----\nBBBB\n-----END PRIVATE KEY-----\n"
  private static let https = "OTEL_EXPORTER_OTLP_ENDPOINT=https://c:4318"

  @Test func filesAreTakenAsTheProcessReadThem() {
    let (found, problems) = options(
      Self.https, "OTEL_EXPORTER_OTLP_CERTIFICATE=ca.pem", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=c.pem", "OTEL_EXPORTER_OTLP_CLIENT_KEY=k.pem",
      files: ["certificate=\(Self.certificate)", "client_certificate=\(Self.certificate)", "client_key=\(Self.key)"])
    #expect(problems.isEmpty)
    #expect(found.credentials.authorities == Array(Self.certificate.utf8))
    // The key first, and with it: two processes share a connection only when both have the key.
    #expect(found.credentials.client == Array((Self.key + "\n" + Self.certificate).utf8))
  }

  @Test("An endpoint without TLS needs none of them, however broken they are")
  func filesWithoutTLS() {
    let (found, problems) = options("OTEL_EXPORTER_OTLP_CERTIFICATE=/none", files: ["certificate.error=2"])
    #expect(found.credentials == TLSCredentials())
    #expect(problems.isEmpty)
  }

  @Test(arguments: [
    ("CERTIFICATE=/ca.pem", ["certificate.error=13"], "OTEL_EXPORTER_OTLP_CERTIFICATE: /ca.pem: permission denied"),
    ("CERTIFICATE=/ca.pem", ["certificate=hello"], "/ca.pem holds no certificate in PEM form"),
    ("CERTIFICATE=/ca.pem", [], "/ca.pem is empty"),
    ("TRACES_CERTIFICATE=/own.pem", ["certificate.error=2"], "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE: /own.pem: no such file"),
    ("CLIENT_CERTIFICATE=/c.pem", ["client_certificate=\(Self.certificate)"], "without OTEL_EXPORTER_OTLP_CLIENT_KEY"),
    ("CLIENT_KEY=/k.pem", ["client_key=\(Self.key)"], "without OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"),
    ("CLIENT_KEY=/k.pem", ["client_key=-----BEGIN ENCRYPTED PRIVATE KEY-----"], "a key without a passphrase is needed"),
    ("CLIENT_KEY=/k.pem", ["client_key=\(Self.certificate)"], "holds no private key"),
  ])
  func unusableFiles(_ variable: String, _ files: [String], _ words: String) {
    let (found, problems) = options(Self.https, "OTEL_EXPORTER_OTLP_" + variable, files: files)
    #expect(found.credentials.flaw?.contains(words) == true, "\(found.credentials.flaw ?? "")")
    #expect(problems.count == 1)
    #expect(!problems[0].description.contains("AAAA") && !problems[0].description.contains("BBBB"))
  }

  @Test func theCertificatesFileMayHoldTheKey() {
    let both = Self.certificate + Self.key
    #expect(options(Self.https, "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=c", files: ["client_certificate=\(both)"]).0.credentials.client == Array(both.utf8))
    let named = options(
      Self.https, "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=c", "OTEL_EXPORTER_OTLP_CLIENT_KEY=c", files: ["client_certificate=\(both)", "client_key=\(both)"])
    #expect(named.0.credentials.client == Array(both.utf8))
  }
}
