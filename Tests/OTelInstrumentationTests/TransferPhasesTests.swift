import COTelHookABI
import Glibc
import OTelAPI
import Testing

@testable import InstrumentationCurl

/// One after the other: the tables are the process's.
@Suite(.serialized) final class TransferPhasesTests {
  private let tracer = RecordingTracer()
  private let curl = FakeCurl()
  private let address = strdup("192.0.2.7")
  private var opened: [UnsafeMutableRawPointer] = []

  /// CLOCK_MONOTONIC of the transfer, in nanoseconds: 10 ms.
  private let begin: UInt64 = 1_000_000
  private var end: UInt64 { begin + 10_000_000 }

  deinit {
    for easy in opened { CurlInstrumentor(tracer: tracer).closed(easy) }
    otel_set_curl_phases(OTEL_CURL_PHASES_OFF)
    free(address)
  }

  /// As libcurl 7.88 tells of a request that was answered, by a new connection.
  private static let answered: [Int: Int64] = [
    OTEL_CURLINFO_REDIRECT_TIME_T: 0, OTEL_CURLINFO_NAMELOOKUP_TIME_T: 1000, OTEL_CURLINFO_CONNECT_TIME_T: 2000, OTEL_CURLINFO_APPCONNECT_TIME_T: 4000,
    OTEL_CURLINFO_PRETRANSFER_TIME_T: 4100, OTEL_CURLINFO_STARTTRANSFER_TIME_T: 9000, OTEL_CURLINFO_NUM_CONNECTS: 1, OTEL_CURLINFO_REQUEST_SIZE: 77,
    OTEL_CURLINFO_PRIMARY_PORT: 443,
  ]

  private func phases(
    _ url: String = "https://h.example/x", _ changes: [Int: Int64] = [:], result: Int32 = 0, response: Int = 200, hasPeer: Bool = true, isDriven: Bool = false,
    isBesideProxy: Bool = false, proxy: String? = nil, peer: UnsafeMutablePointer<CChar>? = nil
  ) throws -> [TracerLog.Part] {
    otel_set_curl_phases(isBesideProxy ? OTEL_CURL_PHASES_BESIDE_PROXY : OTEL_CURL_PHASES_ON)
    let easy = curl.makeHandle()
    opened.append(easy)
    easy.pointee.responseCode = response
    easy.pointee.peer = hasPeer ? (peer ?? address).map { UnsafePointer($0) } : nil
    for (info, value) in Self.answered.merging(changes, uniquingKeysWith: { $1 }) { easy.pointee.numbers[Int32(info)] = value }
    let instrumentor = CurlInstrumentor(tracer: tracer)
    instrumentor.opened(curl.library, easy)
    url.withCString { instrumentor.followed(easy, option: Int32(OTEL_CURLOPT_URL), value: UInt(bitPattern: $0)) }
    proxy?.withCString { instrumentor.followed(easy, option: Int32(OTEL_CURLOPT_PROXY), value: UInt(bitPattern: $0)) }
    let span = try #require(tracer.start(parent: nil, isRemote: false))
    tracer.log.parts = []
    let handle = try #require(EasyHandleTable.find(easy))
    withUnsafePointer(to: span) {
      TransferPhases(tracer: tracer, span: $0, handle: handle, library: curl.library, easy: easy, result: result)
        .record(from: begin, isDriven: isDriven, to: end)
    }
    return tracer.log.parts
  }

  private func at(_ microseconds: UInt64) -> UInt64 { begin + microseconds * 1000 }
  private func names(_ parts: [TracerLog.Part]) -> [String] { parts.map { $0.name.split(separator: " ").prefix(2).joined(separator: " ") } }
  private let all = ["DNS lookup", "socket connect", "TLS client", "HTTP wait_for_response"]

  @Test func ofARequestThatWasAnswered() throws {
    #expect(try phases() == [
      .init(name: "DNS lookup h.example", start: begin, end: at(1000), keys: ["dns.question.name"]),
      .init(
        name: "socket connect 192.0.2.7:443", start: at(1000), end: at(2000), keys: ["network.peer.address", "network.peer.port", "network.type"]),
      .init(name: "TLS client handshake h.example", start: at(2000), end: at(4000), keys: ["tls.protocol.name", "server.address"]),
      .init(name: "HTTP wait_for_response h.example:443", start: at(4100), end: at(9000), keys: ["server.address", "server.port"]),
    ])
  }

  @Test func withoutTLS() throws {
    let parts = try phases("http://h.example/", [OTEL_CURLINFO_APPCONNECT_TIME_T: 0, OTEL_CURLINFO_PRIMARY_PORT: 80])
    #expect(names(parts) == ["DNS lookup", "socket connect", "HTTP wait_for_response"])
  }

  @Test(arguments: ["https://192.0.2.7/", "https://[2001:db8::1]/"]) func anAddressIsNotLookedUp(_ url: String) throws {
    #expect(names(try phases(url)) == Array(all.dropFirst()))
  }

  @Test func aConnectionThatWasThere() throws {
    #expect(names(try phases("https://h.example/x", [OTEL_CURLINFO_NUM_CONNECTS: 0])) == ["HTTP wait_for_response"])
  }

  @Test func severalRequestsInOneTransferAreNotToldApart() throws {
    #expect(try phases("https://h.example/x", [OTEL_CURLINFO_REDIRECT_TIME_T: 1]).isEmpty)
  }

  @Test func aLibcurlThatDoesNotTellTimes() throws {
    #expect(try phases("https://h.example/x", [OTEL_CURLINFO_REDIRECT_TIME_T: -1]).isEmpty)
  }

  @Test func noTimeIsOutsideOfTheTransfer() throws {
    for wild: Int64 in [1 << 40, .max, .min, -5] {
      let parts = try phases("https://h.example/x", [OTEL_CURLINFO_NAMELOOKUP_TIME_T: wild, OTEL_CURLINFO_CONNECT_TIME_T: wild, OTEL_CURLINFO_STARTTRANSFER_TIME_T: wild])
      #expect(parts.allSatisfy { begin <= $0.start && $0.start <= $0.end && $0.end <= end }, "\(parts)")
    }
  }

  // MARK: Failures

  private let failed: [Int: Int64] = [
    OTEL_CURLINFO_NAMELOOKUP_TIME_T: 0, OTEL_CURLINFO_CONNECT_TIME_T: 0, OTEL_CURLINFO_APPCONNECT_TIME_T: 0, OTEL_CURLINFO_PRETRANSFER_TIME_T: 0,
    OTEL_CURLINFO_STARTTRANSFER_TIME_T: 0, OTEL_CURLINFO_NUM_CONNECTS: 0, OTEL_CURLINFO_REQUEST_SIZE: 0, OTEL_CURLINFO_PRIMARY_PORT: 0,
  ]
  /// As newer versions do it.
  private var failedWithTimes: [Int: Int64] {
    failed.merging([OTEL_CURLINFO_PRETRANSFER_TIME_T: 9900, OTEL_CURLINFO_STARTTRANSFER_TIME_T: 9900, OTEL_CURLINFO_PRIMARY_PORT: -1]) { $1 }
  }

  @Test(arguments: [false, true]) func aNameThatIsUnknown(_ isNewer: Bool) throws {
    let parts = try phases("https://h.example/x", isNewer ? failedWithTimes : failed, result: 6, response: 0, hasPeer: false)
    #expect(parts == [.init(name: "DNS lookup h.example", start: begin, end: end, keys: ["dns.question.name", "error.type", "error"])])
  }

  /// In a multi handle it may have waited for its turn.
  @Test(arguments: [false, true]) func outOfTimeBeforeThereWasAnAddress(_ isDriven: Bool) throws {
    #expect(try phases("https://h.example/x", failed, result: 28, response: 0, hasPeer: false, isDriven: isDriven).count == (isDriven ? 0 : 1))
  }

  @Test(arguments: [false, true]) func refused(_ isNewer: Bool) throws {
    var changes = isNewer ? failedWithTimes : failed
    changes[OTEL_CURLINFO_NAMELOOKUP_TIME_T] = 1000
    let parts = try phases("https://h.example/x", changes, result: 7, response: 0, hasPeer: false)
    #expect(parts.map(\.name) == ["DNS lookup h.example", "socket connect"])
    #expect(parts.map(\.keys) == [["dns.question.name"], ["error.type", "error"]])
  }

  @Test(arguments: [false, true]) func aHandshakeThatFails(_ isNewer: Bool) throws {
    var changes = isNewer ? failedWithTimes : failed
    for (info, value) in [OTEL_CURLINFO_NAMELOOKUP_TIME_T: 1000, OTEL_CURLINFO_CONNECT_TIME_T: 2000, OTEL_CURLINFO_NUM_CONNECTS: 1, OTEL_CURLINFO_PRIMARY_PORT: 443] as [Int: Int64] {
      changes[info] = value
    }
    let parts = try phases("https://h.example/x", changes, result: 60, response: 0)
    #expect(names(parts) == Array(all.dropLast()))
    #expect(parts.map { $0.keys.contains("error") } == [false, false, true])
    #expect(parts.last?.end == end)
  }

  @Test func noResponse() throws {
    let parts = try phases("https://h.example/x", [OTEL_CURLINFO_STARTTRANSFER_TIME_T: 0], result: 28, response: 0)
    #expect(names(parts) == all && parts[3].end == end && parts.map { $0.keys.contains("error") } == [false, false, false, true])
  }

  /// A caller's own end is no error.
  @Test func aTransferThatWasTakenOut() throws {
    let parts = try phases("https://h.example/x", [OTEL_CURLINFO_STARTTRANSFER_TIME_T: 0], result: 0, response: 0, isDriven: true)
    #expect(names(parts) == all && !parts.contains { $0.keys.contains("error") })
  }

  // MARK: Proxies

  @Test func behindAProxy() throws {
    let expected = ["socket connect", "HTTP wait_for_response"]
    #expect(names(try phases(proxy: "proxy:3128")) == expected)
    #expect(names(try phases(isBesideProxy: true)) == expected)
    // By the option, none; and by the peer's port, some.
    #expect(names(try phases(isBesideProxy: true, proxy: "")) == all)
    #expect(names(try phases("https://h.example/x", [OTEL_CURLINFO_PRIMARY_PORT: 3128])) == expected)
  }

  @Test func throughATunnel() throws {
    #expect(names(try phases("https://h.example/x", [OTEL_CURLINFO_HTTP_CONNECTCODE: 200], proxy: "proxy:3128")) == ["HTTP wait_for_response"])
    #expect(try phases("https://h.example/x", [OTEL_CURLINFO_HTTP_CONNECTCODE: 403], result: 56, response: 0, proxy: "proxy:3128").isEmpty)
  }

  @Test func aUnixSocket() throws {
    let path = strdup("/run/a:b")
    defer { free(path) }
    // Some versions name a port, of which there is none.
    let parts = try phases("http://h.example/", [OTEL_CURLINFO_APPCONNECT_TIME_T: 0, OTEL_CURLINFO_PRIMARY_PORT: 80], peer: path)
    #expect(parts.map(\.name) == ["socket connect /run/a:b", "HTTP wait_for_response h.example:80"])
    #expect(parts[0].keys == ["network.peer.address", "network.transport"])
  }

  @Test func aNameThatIsTooLongForASpans() throws {
    let parts = try phases("https://\(String(repeating: "a", count: 96)).example/")
    #expect(parts.map(\.name) == ["DNS lookup", "socket connect 192.0.2.7:443", "TLS client handshake", "HTTP wait_for_response"])
  }

  @Test func withoutRoom() throws {
    tracer.log.canRecord = false
    #expect(try phases().isEmpty && tracer.log.losses.count == 4)
  }
}
