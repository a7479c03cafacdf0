import COTelShims
import Glibc
import OTelExport
import OTelReceiver
import OTelRegion
import OTelTestSupport
import Testing

@testable import OTelRelay

/// The whole relay in this process, at a socket of its own, with an exporter that the test answers for.
private final class RunningRelay {
  let directory: String
  let relay: Relay
  let exporter: FakeExporter
  let rendezvous: Rendezvous

  init() throws {
    var template = Array("/tmp/otel-relay-test.XXXXXX".utf8CString)
    directory = String(cString: try #require(mkdtemp(&template)))
    rendezvous = try #require(Rendezvous.path(directory + "/relay.sock"))
    let exporter = FakeExporter()
    self.exporter = exporter
    var options = Relay.Options(leavesWhenIdle: false)
    options.exitNanoseconds = 50_000_000
    relay = Relay(
      listener: try Listener(at: rendezvous, peers: .any), options: options, engine: try #require(TransferEngine()),
      log: RelayLog(path: directory + "/relay.log", level: .debug, echoes: false)
    ) { _ in exporter }
  }

  deinit {
    for name in ["relay.sock", "relay.sock.lock", "relay.log"] { unlink(directory + "/" + name) }
    rmdir(directory)
  }

  /// Connects and sends one message. The connection is the caller's to close.
  func send(_ kind: otel_message_kind, _ descriptor: Int32 = -1, _ second: Int32 = -1) throws -> Int32 {
    let peer = try #require(rendezvous.connect())
    #expect(otel_message_send_with(peer, kind, descriptor, second) == 0)
    return peer
  }

  func attach(_ host: TestRegion, files: Int32 = -1) throws { close(try send(OTEL_MESSAGE_REGION, host.descriptor, files)) }

  var log: String {
    var bytes = [UInt8](repeating: 0, count: 64 << 10)
    let file = open(directory + "/relay.log", O_RDONLY)
    defer { close(file) }
    let count = read(file, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }

  func turn(flush: Bool = false) { relay.turn(flush: flush, limit: 1) }

  /// What has arrived at a peer so far; nil when nothing has.
  func answer(_ peer: Int32) -> String? {
    var text = ""
    var packet = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = recv(peer, &packet, packet.count, Int32(MSG_DONTWAIT))
      if count <= 0 { return text.isEmpty ? nil : text }
      text += String(decoding: packet[..<count], as: UTF8.self)
    }
  }
}

@Suite struct RelayTests {
  @Test func fromARegionToTheExporter() throws {
    let running = try RunningRelay()
    let host = TestRegion()
    try running.attach(host)
    running.turn()
    #expect(host.relayWord(Layout.relayStateOffset) == RelayState.attached)
    host.append(encodedSpan(id: 1))
    running.turn(flush: true)
    #expect(running.exporter.requests.map(\.spanNames) == [["GET"]])
    running.exporter.answer()
    #expect(host.relayWord(Layout.exportedOffset) == host.tail)
    host.end()
    running.turn(flush: true)
    #expect(running.relay.regions.isEmpty)
    #expect(running.relay.totals.delivered == 1)
  }

  @Test("A process that ended before the relay looked is served too, at once")
  func endedBefore() throws {
    let running = try RunningRelay()
    let host = TestRegion()
    host.append(encodedSpan(id: 1))
    try running.attach(host)
    host.end()
    running.turn()
    #expect(running.exporter.requests.count == 1)
  }

  @Test func aDrainIsAnsweredWhenAllThatWasThereIsExported() throws {
    let running = try RunningRelay()
    let host = TestRegion()
    host.append(encodedSpan(id: 1))
    try running.attach(host)
    let peer = try running.send(OTEL_MESSAGE_DRAIN)
    defer { close(peer) }
    running.turn()
    running.turn()
    #expect(running.exporter.requests.count == 1, "due at once")
    #expect(running.answer(peer) == nil)
    running.exporter.answer()
    running.turn()
    #expect(running.answer(peer) == "drained\n")
  }

  @Test("A message of a later version of ours is said to be one, and is nothing else")
  func unknownKind() throws {
    let running = try RunningRelay()
    let peer = try running.send(otel_message_kind(rawValue: 77))
    defer { close(peer) }
    running.turn()
    #expect(running.answer(peer) == nil)
    #expect(running.log.contains("kind 77"))
    let host = TestRegion()
    try running.attach(host)
    running.turn()
    #expect(running.relay.regions.count == 1)
    host.end()
  }

  @Test("Who is not the first process here is not believed about a child")
  func strangersChild() throws {
    let running = try RunningRelay()
    let peer = try #require(running.rendezvous.connect())
    defer { close(peer) }
    #expect(otel_child_message_send(peer, 4711, Int32(OTEL_CHILD_RUNS)) == 0)
    running.turn()
    #expect(running.log.contains("not believed"))
  }

  @Test func aDrainOfNothingIsAnsweredAtOnce() throws {
    let running = try RunningRelay()
    let peer = try running.send(OTEL_MESSAGE_DRAIN)
    defer { close(peer) }
    running.turn()
    #expect(running.answer(peer) == "drained\n")
  }

  @Test("A drain ends when the collector refuses for good")
  func drainOfRefusedSpans() throws {
    let running = try RunningRelay()
    let host = TestRegion()
    host.append(encodedSpan(id: 1))
    try running.attach(host)
    host.end()
    let peer = try running.send(OTEL_MESSAGE_DRAIN)
    defer { close(peer) }
    running.turn()
    running.exporter.answer(.refused(ExportFailure(.status(400), "no")))
    running.turn()
    #expect(running.answer(peer) == "drained\n")
  }

  @Test func statusTellsWhatAUserNeeds() throws {
    let running = try RunningRelay()
    let host = TestRegion(["OTEL_SERVICE_NAME=shop", "OTEL_EXPORTER_OTLP_ENDPOINT=http://u:secret@c:4318", "OTEL_EXPORTER_OTLP_HEADERS=key=secret,broken"])
    host.append(encodedSpan(id: 1))
    host.set(Layout.dropsOffset + 8 * DropReason.ringFull.rawValue, 12)
    try running.attach(host)
    running.turn(flush: true)
    running.exporter.answer(.postponed(ExportFailure(.unreachable, "http://c:4318/v1/traces: connection refused"), retryAfter: nil))
    let peer = try running.send(OTEL_MESSAGE_STATUS)
    defer { close(peer) }
    running.turn()
    let text = try #require(running.answer(peer))
    for part in [
      "pid \(getpid())", running.directory, "1 recorded, 0 sent, 1 waiting", "dropped in the processes: 12", "shop", "4711", "http://c:4318/v1/traces",
      "connection refused", "nothing listens there", "entry 2 is not a header",
    ] {
      #expect(text.contains(part), "\(part)")
    }
    #expect(!text.contains("secret@") && !text.contains("=secret"))
  }

  @Test func statusForPrograms() throws {
    let running = try RunningRelay()
    let host = TestRegion(["OTEL_SERVICE_NAME=a \"shop\"\u{1b}", "OTEL_EXPORTER_OTLP_ENDPOINT=http://u:secret@c:4318", "OTEL_EXPORTER_OTLP_HEADERS=key=secret"])
    host.append(encodedSpan(id: 1))
    host.set(Layout.dropsOffset + 8 * DropReason.ringFull.rawValue, 12)
    try running.attach(host)
    running.turn(flush: true)
    running.exporter.answer(.postponed(ExportFailure(.unreachable, "connection refused"), retryAfter: nil))
    let peer = try running.send(OTEL_MESSAGE_STATUS_JSON)
    defer { close(peer) }
    running.turn()
    let text = try #require(running.answer(peer))
    for part in [
      #""pid":\#(getpid()),"#, #""spans":{"recorded":1,"sent":0,"waiting":1,"#, #""ringFull":12"#, #""service":"a \"shop\"\u001b""#,
      #""endpoint":"http://c:4318/v1/traces""#, #""lastSuccess":null,"lastError":{"time":"#, #""message":"connection refused","hint":"nothing"#,
    ] {
      #expect(text.contains(part), "\(part) in \(text)")
    }
    #expect(!text.contains("secret"))
  }

  @Test("The files for https come with a region; anything but a sealed memfd is no file")
  func files() throws {
    let running = try RunningRelay()
    let https = ["OTEL_EXPORTER_OTLP_ENDPOINT=https://c:4318", "OTEL_EXPORTER_OTLP_CERTIFICATE=/nonexistent/ca.pem"]
    let (first, second) = (TestRegion(https), TestRegion(https))
    let files = "/nonexistent/ca.pem".withCString { path in
      var paths = otel_tls_paths(certificate: path, client_certificate: nil, client_key: nil)
      return otel_tls_files_read(&paths)
    }
    let other = open("/etc/passwd", O_RDONLY)
    defer {
      close(files)
      close(other)
    }
    try running.attach(first, files: files)
    try running.attach(second, files: other)
    running.turn()
    let flaws = running.relay.destinations.keys.compactMap(\.options.credentials.flaw)
    #expect(flaws.count == 2)
    #expect(flaws.contains { $0.contains("/nonexistent/ca.pem: no such file") })
    #expect(flaws.contains { $0.contains("/nonexistent/ca.pem is empty") })
  }

  @Test("An orderly end: no newcomer, living processes are told, spans not delivered are theirs again")
  func finish() throws {
    let running = try RunningRelay()
    let idle = TestRegion()
    let waiting = TestRegion()
    waiting.append(encodedSpan(id: 1))
    try running.attach(idle)
    try running.attach(waiting)
    running.turn()
    let late = TestRegion()
    try running.attach(late)
    running.relay.finish()
    for host in [idle, waiting, late] { #expect(host.relayWord(Layout.relayStateOffset) == RelayState.detached) }
    #expect(waiting.relayWord(Layout.exportedOffset) ?? 0 == 0)
    #expect(running.rendezvous.connect() == nil)
    #expect(access(running.directory + "/relay.sock", F_OK) != 0)
    _ = try Listener(at: running.rendezvous, peers: .any)
  }

  @Test func thereIsOneRelayAtAPlace() throws {
    let running = try RunningRelay()
    #expect(throws: RendezvousError.taken(running.rendezvous.name)) { _ = try Listener(at: running.rendezvous, peers: .any) }
  }

  @Test func aRegionHandedOverTwiceIsOne() throws {
    let running = try RunningRelay()
    let host = TestRegion()
    try running.attach(host)
    try running.attach(host)
    running.turn()
    #expect(running.relay.regions.count == 1)
  }

  @Test func nonsenseIsRefused() throws {
    let running = try RunningRelay()
    let refused = TestRegion(magic: 5)
    let peer = try #require(running.rendezvous.connect())
    _ = "hello".withCString { Glibc.send(peer, $0, 5, 0) }
    close(peer)
    try running.attach(refused)
    close(try running.send(OTEL_MESSAGE_STATUS, refused.descriptor))
    close(try running.send(OTEL_MESSAGE_REGION))
    close(try #require(running.rendezvous.connect()))
    let good = TestRegion()
    try running.attach(good)
    running.turn()
    running.turn()
    #expect(running.relay.regions.count == 1)
    #expect(good.relayWord(Layout.relayStateOffset) == RelayState.attached)
    #expect(refused.relayWord(Layout.relayStateOffset) == nil)
  }
}
