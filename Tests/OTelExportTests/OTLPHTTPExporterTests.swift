import CCurl
import Glibc
import OTelPrimitives
import OTelTestSupport
import Synchronization
import Testing

@testable import OTelExport

/// A free loopback port, held for as long as this lives. Whoever does not listen on it refuses connections.
private final class BoundAddress: Sendable {
  let descriptor: Int32
  let port: UInt16

  init() throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = descriptor
    let isBound = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0 }
    }
    port = UInt16(bigEndian: address.sin_port)
    try #require(isBound)
  }

  deinit { close(descriptor) }
}

/// Answers the connections it gets, one after the other, with given bytes; on a free loopback port.
private final class CannedServer: Sendable {
  var port: UInt16 { address.port }
  private let address: BoundAddress
  private let received = Mutex<[String]>([])
  var requests: [String] { received.withLock { $0 } }

  /// - Parameter answers: one for each connection; nil keeps it open without a word.
  init(_ answers: [String?]) throws {
    address = try BoundAddress()
    try #require(listen(address.descriptor, 16) == 0)
    var thread = pthread_t()
    let work = Unmanaged.passRetained(Work(server: self, answers: answers))
    pthread_create(&thread, nil, { Unmanaged<Work>.fromOpaque($0!).takeRetainedValue().run(); return nil }, work.toOpaque())
    pthread_detach(thread)
  }

  private final class Work {
    let server: CannedServer
    let answers: [String?]
    init(server: CannedServer, answers: [String?]) { (self.server, self.answers) = (server, answers) }

    func run() {
      var open: [Int32] = []
      for answer in answers {
        let peer = accept(server.address.descriptor, nil, nil)
        guard peer >= 0 else { break }
        server.read(peer)
        if let answer {
          _ = answer.withCString { send(peer, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
          close(peer)
        } else {
          open.append(peer)
        }
      }
      for peer in open {
        var byte: UInt8 = 0
        while recv(peer, &byte, 1, 0) > 0 {}  // until the client gives up
        close(peer)
      }
    }
  }

  private static func isComplete(_ request: String) -> Bool {
    let parts = request.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else { return false }
    let line = parts[0].split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length: ") }
    return parts[1].utf8.count >= line.flatMap { Int($0.dropFirst("content-length: ".count)) } ?? 0
  }

  private func read(_ peer: Int32) {
    var text = ""
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = recv(peer, &buffer, buffer.count, 0)
      guard count > 0 else { break }
      text += String(decoding: buffer[..<count], as: UTF8.self)
      if Self.isComplete(text) { break }
    }
    received.withLock { $0.append(text) }
  }
}

@Suite struct OTLPHTTPExporterTests {
  private func export(
    to url: String, headers: [OTLPHeader] = [], body: [UInt8] = Array("payload".utf8), timeoutMilliseconds: Int = 5000,
    _ adjust: (inout OTLPExporterOptions) -> Void = { _ in }
  ) throws -> ExportOutcome {
    let engine = try #require(TransferEngine())
    let endpoint = try #require(withText(url) { OTLPEndpoint(signal: $0) })
    var options = OTLPExporterOptions(endpoint: endpoint, headers: headers)
    adjust(&options)
    let exporter = try #require(OTLPHTTPExporter(options, userAgent: "test/1", engine: engine))
    var outcome: ExportOutcome?
    exporter.export(body, timeoutMilliseconds: timeoutMilliseconds) { outcome = $0 }
    #expect(outcome == nil, "never from within the call")
    while outcome == nil {
      var none: [curl_waitfd] = []
      engine.wait(for: &none, milliseconds: 100)
      engine.perform()
    }
    #expect(engine.isIdle)
    return try #require(outcome)
  }

  private static func answer(_ status: String, headers: String = "", body: String = "") -> String {
    "HTTP/1.1 \(status)\r\ncontent-length: \(body.utf8.count)\r\n\(headers)\r\n\(body)"
  }

  @Test func whatIsSent() throws {
    let server = try CannedServer([Self.answer("200 OK")])
    let outcome = try export(to: "http://127.0.0.1:\(server.port)/v1/traces", headers: [OTLPHeader(name: "api-key", value: "k v")])
    #expect(outcome == .delivered(ExportResponse()))
    let request = try #require(server.requests.first)
    let lines = request.split(separator: "\r\n", omittingEmptySubsequences: false).map(String.init)
    #expect(lines.first == "POST /v1/traces HTTP/1.1")
    #expect(lines.contains("Content-Type: application/x-protobuf"))
    #expect(lines.contains("User-Agent: test/1"))
    #expect(lines.contains("api-key: k v"))
    #expect(!request.lowercased().contains("expect:"))
    #expect(lines.last == "payload")
  }

  @Test("Statuses", arguments: [400, 401, 403, 404, 408, 413, 500, 501, 301, 307])
  func refused(_ status: Int) throws {
    let server = try CannedServer([Self.answer("\(status) X", headers: "location: http://127.0.0.1:1/\r\n", body: "why")])
    let outcome = try export(to: "http://127.0.0.1:\(server.port)/")
    guard case .refused(let failure) = outcome else { Issue.record("\(outcome)"); return }
    #expect(failure.kind == .status(status))
    #expect(failure.message.hasSuffix("HTTP status \(status): why"))
    #expect(server.requests.count == 1)
  }

  @Test(arguments: [(429, "7", 7.0), (503, "", nil), (502, "soon", nil), (504, "-3", nil), (503, "99999999", 99_999_999)] as [(Int, String, Double?)])
  func postponed(_ status: Int, _ retryAfter: String, _ seconds: Double?) throws {
    let server = try CannedServer([Self.answer("\(status) X", headers: retryAfter.isEmpty ? "" : "retry-after: \(retryAfter)\r\n")])
    guard case .postponed(let failure, let wait) = try export(to: "http://127.0.0.1:\(server.port)/") else { Issue.record(); return }
    #expect(failure.kind == .status(status))
    // libcurl bounds what it believes; RetryPolicy bounds it again.
    if let seconds, seconds < 100 { #expect(wait == seconds) } else if seconds == nil { #expect(wait == nil) }
  }

  @Test func nobodyListens() throws {
    // Bound and not listening: nobody else can get the port, and the kernel refuses every connection to it.
    let address = try BoundAddress()
    guard case .postponed(let failure, _) = try export(to: "http://127.0.0.1:\(address.port)/x") else { Issue.record(); return }
    #expect(failure.kind == .unreachable)
    #expect(failure.message == "http://127.0.0.1:\(address.port)/x: connection refused")
    #expect(failure.hint?.contains("OTEL_EXPORTER_OTLP_ENDPOINT") == true)
  }

  @Test func noAnswerIsATimeout() throws {
    let server = try CannedServer([nil])
    guard case .postponed(let failure, _) = try export(to: "http://127.0.0.1:\(server.port)/", timeoutMilliseconds: 200) else { Issue.record(); return }
    #expect(failure.kind == .timeout)
  }

  @Test func closedWithoutAnswer() throws {
    let server = try CannedServer([""])
    guard case .postponed = try export(to: "http://127.0.0.1:\(server.port)/") else { Issue.record(); return }
  }

  @Test("Once the status is there the spans are not sent again, also when the rest of the answer is missing")
  func truncatedAnswers() throws {
    let server = try CannedServer(["HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc", "HTTP/1.1 400 No\r\ncontent-length: 100\r\n\r\nabc", "HTTP/1.1 2"])
    let url = "http://127.0.0.1:\(server.port)/"
    #expect(try export(to: url) == .delivered(ExportResponse()))
    guard case .refused(let failure) = try export(to: url) else { Issue.record(); return }
    #expect(failure.kind == .status(400))
    guard case .postponed = try export(to: url) else { Issue.record(); return }
  }

  @Test func whatIsNotHTTP() throws {
    let server = try CannedServer(["SSH-2.0-OpenSSH_9.2\r\n"])
    guard case .postponed(let failure, _) = try export(to: "http://127.0.0.1:\(server.port)/") else { Issue.record(); return }
    #expect(failure.kind == .notHTTP)
  }

  @Test func compressed() throws {
    let server = try CannedServer([Self.answer("200 OK"), Self.answer("200 OK")])
    let body = [UInt8](repeating: 7, count: 100_000)
    let outcome = try export(to: "http://127.0.0.1:\(server.port)/", body: body) { $0.compression = .gzip }
    #expect(outcome == .delivered(ExportResponse()))
    let request = try #require(server.requests.first)
    #expect(request.contains("\r\nContent-Encoding: gzip\r\n"))
    #expect(request.utf8.count < 2000)
    let encoded = try #require(Compression.gzip.encoded(body))
    #expect(encoded.starts(with: [0x1f, 0x8b]))
    #expect(try #require(Compression.gzip.encoded([])).count > 0)
    #expect(Compression.none.encoded(body) == body)
  }

  @Test("More than OTLP/HTTP permits is not sent")
  func tooLong() throws {
    let body = [UInt8](repeating: 0, count: OTLPHTTPExporter.longestRequest + 1)
    for compression in [Compression.none, .gzip] {
      guard case .refused(let failure) = try export(to: "http://127.0.0.1:1/", body: body, { $0.compression = compression }) else { Issue.record(); return }
      #expect(failure.kind == .tooLarge)
    }
  }

  @Test("What cannot be verified as asked is not sent")
  func unusableCredentials() throws {
    let server = try CannedServer([""])
    let url = "https://127.0.0.1:\(server.port)/"
    let flawed = try export(to: url) { $0.credentials.flaw = "the reason" }
    #expect(flawed == .refused(ExportFailure(.credentials, "\(url): the reason")))
    let garbled = try export(to: url) { $0.credentials.authorities = Array("-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n".utf8) }
    guard case .refused(let failure) = garbled else { Issue.record("\(garbled)"); return }
    #expect(failure.kind == .credentials)
    #expect(failure.message.contains("OTEL_EXPORTER_OTLP_CERTIFICATE cannot be used"))
  }

  @Test func anEndlessAnswerIsNotRead() throws {
    let server = try CannedServer([Self.answer("200 OK", body: String(repeating: "x", count: 6 << 20))])
    guard case .refused(let failure) = try export(to: "http://127.0.0.1:\(server.port)/") else { Issue.record(); return }
    #expect(failure.message.contains("4 MiB"))
  }

  @Test func cancelledTransfersAreForgotten() throws {
    let server = try CannedServer([nil])
    let engine = try #require(TransferEngine())
    let endpoint = try #require(withText("http://127.0.0.1:\(server.port)/") { OTLPEndpoint(signal: $0) })
    let exporter = try #require(OTLPHTTPExporter(OTLPExporterOptions(endpoint: endpoint), userAgent: "test/1", engine: engine))
    exporter.export([1], timeoutMilliseconds: 0) { _ in Issue.record("completion of a cancelled export") }
    engine.perform()
    exporter.cancel()
    #expect(engine.isIdle)
    engine.perform()
  }
}
