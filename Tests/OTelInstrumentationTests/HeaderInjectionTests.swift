import COTelHookABI
import COTelShims
import Glibc
import OTelAPI
import OTelPrimitives
import Testing

@testable import InstrumentationCurl

/// What goes over the wire of a program's header list and ours. One after the other: the table of handles is the process's.
@Suite(.serialized) final class HeaderInjectionTests {
  private let tracer = RecordingTracer()
  private let curl = FakeCurl()
  private let easy: UnsafeMutablePointer<FakeEasyHandle>
  private let multi = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 16)
  private let call = UnsafeMutablePointer<otel_call>.allocate(capacity: 1)
  private var nodes: [UnsafeMutablePointer<otel_header_list>] = []
  private var instrumentor: CurlInstrumentor<RecordingTracer> { CurlInstrumentor(tracer: tracer) }
  private var log: TracerLog { tracer.log }

  private static let trace = "0af7651916cd43dd8448eb211c80319c"
  private static let parent = "00-\(trace)-b7ad6b7169203331-01"
  private static let all = [Propagator.traceContext, .baggage, .b3, .b3multi, .jaeger, .xray, .ottrace]
  private static let identity = [
    "traceparent", "b3", "X-B3-TraceId", "X-B3-SpanId", "X-B3-Sampled", "uber-trace-id", "X-Amzn-Trace-Id", "ot-tracer-traceid", "ot-tracer-spanid",
    "ot-tracer-sampled",
  ]

  init() {
    easy = curl.makeHandle()
    _ = tracer.prepare()
    call.initialize(to: otel_call())
    instrumentor.opened(curl.library, easy)
    set(OTEL_CURLOPT_URL, "http://h/")
  }

  deinit {
    instrumentor.closed(easy)
    instrumentor.multiClosed(multi)
    for node in nodes {
      free(UnsafeMutablePointer(mutating: node.pointee.text))
      node.deallocate()
    }
    call.deallocate()
    multi.deallocate()
  }

  private func set(_ option: some BinaryInteger, _ value: UInt) { instrumentor.followed(easy, option: Int32(option), value: value) }
  private func set(_ option: some BinaryInteger, _ value: String) { value.withCString { set(option, UInt(bitPattern: $0)) } }

  private func setHeaders(_ lines: [String]) {
    var list: UnsafeMutablePointer<otel_header_list>?
    for line in lines.reversed() {
      let node = UnsafeMutablePointer<otel_header_list>.allocate(capacity: 1)
      node.initialize(to: otel_header_list(text: strdup(line), next: list))
      nodes.append(node)
      list = node
    }
    easy.pointee.headers = list
    set(OTEL_CURLOPT_HTTPHEADER, UInt(bitPattern: list))
  }

  private var wire: [String] {
    var lines: [String] = []
    var node = easy.pointee.headers
    while let current = node, lines.count < 2000 {
      lines.append(String(cString: current.pointee.text!))
      node = current.pointee.next
    }
    return lines
  }

  private func name(_ line: String) -> String { String(line.prefix { $0 != ":" && $0 != ";" }) }

  /// Performs a request with these headers of its own; returns what is sent. Afterwards the list is the program's again.
  private func sent(_ lines: [String] = [], line: SourceLocation = #_sourceLocation) -> [String] {
    setHeaders(lines)
    let own = easy.pointee.headers
    call.pointee = otel_call()
    instrumentor.performEnter(call, curl.library, easy)
    let sent = wire
    instrumentor.performExit(call, curl.library, easy, 0)
    #expect(easy.pointee.headers == own && wire == lines, "the list is the program's again", sourceLocation: line)
    return sent
  }

  private func configure(_ propagators: [Propagator], traceState: StaticString = "", baggage: StaticString = "", reparents: Bool = false) {
    var list = Propagators()
    for propagator in propagators { list.append(propagator) }
    log.propagation = Propagation(list)
    log.propagation.traceStateLine = Text(traceState)
    log.traceState = Text(traceState)
    log.propagation.baggageLine = Text(baggage)
    log.propagation.isReparenting = reparents
  }

  // MARK: What is added

  @Test func theStandardOne() {
    let lines = sent(["A: b", "C: d"])
    #expect(lines.count == 3 && lines[0].hasPrefix("traceparent: 00-") && lines[0].count == 68 && lines[1...] == ["A: b", "C: d"])
    #expect(sent().map(name) == ["traceparent"])
  }

  @Test func everyFormatInItsOrder() {
    configure(Self.all, traceState: "tracestate: a=1", baggage: "baggage: k=v")
    let lines = sent(["A: b"])
    #expect(lines.map(name) == Self.identity + ["tracestate", "baggage", "A"])
    configure([.jaeger, .traceContext])
    #expect(sent().map(name) == ["uber-trace-id", "traceparent"])
    configure([.baggage], baggage: "baggage: k=v")
    #expect(sent(["A: b"]) == ["baggage: k=v", "A: b"])
    configure([])
    #expect(sent(["A: b"]) == ["A: b"])
  }

  @Test func baggageAndTraceStateBesideTheProgramsOwn() {
    configure([.traceContext, .baggage], traceState: "tracestate: a=1", baggage: "baggage: k=v")
    #expect(sent().map(name) == ["traceparent", "tracestate", "baggage"])
    #expect(sent(["Baggage: own=1"]).map(name) == ["traceparent", "tracestate", "Baggage"])
    #expect(sent(["BAGGAGE;"]).map(name) == ["traceparent", "tracestate", "BAGGAGE"])
    #expect(sent(["baggage:"]).map(name) == ["traceparent", "tracestate", "baggage"])
    #expect(sent(["TraceState: b=2"]).map(name) == ["traceparent", "baggage", "TraceState"])
    // Whoever names a context says what goes along.
    #expect(sent(["traceparent: \(Self.parent)"]) == ["traceparent: \(Self.parent)"])
  }

  @Test func baggageInHeadersOfItsOwn() {
    configure([.traceContext, .jaeger])
    log.propagation.baggageHeaders = Text("uberctx-a: 1\0uberctx-b;\0")
    #expect(sent(["A: b", "C: d"])[2...] == ["uberctx-a: 1", "uberctx-b;", "A: b", "C: d"])
    #expect(sent().map(name) == ["traceparent", "uber-trace-id", "uberctx-a", "uberctx-b"])
    #expect(sent(["UBERCTX-own: 1"]).map(name) == ["traceparent", "uber-trace-id", "UBERCTX-own"])
    #expect(sent(["uber-trace-id: x"]) == ["uber-trace-id: x"])
    set(OTEL_CURLOPT_FOLLOWLOCATION, 1)
    #expect(sent().map(name) == ["traceparent", "uber-trace-id"])
    set(OTEL_CURLOPT_FOLLOWLOCATION, 0)
    // Alone, as where the SDK is disabled and there is no parent.
    configure([])
    log.propagation = Propagation({ var list = Propagators(); list.append(.baggage); return list }())
    log.propagation.baggageHeaders = Text("uberctx-a: 1\0")
    #expect(sent(["A: b"]) == ["uberctx-a: 1", "A: b"])
  }

  @Test func noBaggageWhereARedirectMayLead() {
    configure([.traceContext, .baggage], traceState: "tracestate: a=1", baggage: "baggage: k=v")
    set(OTEL_CURLOPT_FOLLOWLOCATION, 1)
    #expect(sent().map(name) == ["traceparent", "tracestate"])
    set(OTEL_CURLOPT_FOLLOWLOCATION, 0)
    #expect(sent().map(name) == ["traceparent", "tracestate", "baggage"])
    set(OTEL_CURLOPT_FOLLOWLOCATION, 1)
    instrumentor.reset(easy)
    set(OTEL_CURLOPT_URL, "http://h/")
    #expect(sent().map(name) == ["traceparent", "tracestate", "baggage"])
  }

  // MARK: The program's own

  @Test(arguments: [
    ["traceparent: \(parent)"], ["B3: \(trace)-b7ad6b7169203331-1"], ["x-b3-traceid: \(trace)", "X-B3-SPANID: b7ad6b7169203331"], ["Uber-Trace-Id: \(trace):b7ad6b7169203331:0:1"],
    ["x-amzn-trace-id: Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1"], ["OT-Tracer-TraceID: \(trace)", "ot-tracer-spanid: b7ad6b7169203331"],
  ])
  func anOwnContextIsLeftAndIsTheParent(_ own: [String]) {
    configure(Self.all, baggage: "baggage: k=v")
    #expect(sent(["A: b"] + own) == ["A: b"] + own)
    #expect(log.parents.last??.spanID == 0xb7ad_6b71_6920_3331 && log.parents.last??.traceLow == 0x8448_eb21_1c80_319c)
  }

  @Test(arguments: identity + ["X-B3-Flags", "x-b3-parentspanid"])
  func anInvalidOneToo(_ name: String) {
    configure(Self.all)
    for line in ["\(name): nonsense", "\(name):", "\(name);", "\(name.uppercased()): "] { #expect(sent([line]) == [line]) }
    #expect(log.parents.allSatisfy { $0 == nil })
  }

  @Test func aFormatThatIsNotConfiguredIsAnyHeader() {
    configure([.b3])
    #expect(sent(["traceparent: \(Self.parent)", "tracestate: a=1", "baggage: b=2"]).map(name) == ["b3", "traceparent", "tracestate", "baggage"])
    #expect(log.parents.last! == nil)
  }

  @Test func headersThatOnlyLookLikeOne() {
    for line in ["trace-parent: \(Self.parent)", "traceparents: x", "X-Trace: 1", "b: 1", "x: 1", "t", "", "Transfer-Encoding: chunked", "Authorization: Bearer x"] {
      #expect(sent([line]).map(name) == ["traceparent", name(line)])
    }
  }

  // MARK: Where nothing may be added

  @Test(arguments: [
    "Authorization: AWS4-HMAC-SHA256 Credential=x", "authorization: AWS x:y", "Authorization:Signature keyId=x", "Authorization: HMAC x", "Authorization: SharedKey x:y",
    "Authorization: SharedKeyLite x:y", "Authorization: GOOG4-RSA-SHA256 x", "Authorization: OAuth realm=\"x\", oauth_signature=\"y\"", "Signature: x", "Signature-Input: x", "Digest: x",
  ])
  func signedByAHeader(_ line: String) {
    #expect(sent(["A: b", line]) == ["A: b", line])
    #expect(log.spanIDs == 1)
  }

  @Test(arguments: ["Authorization: Basic x", "Authorization: Bearer AWS4-x", "Authorization: OAuth token", "Authorization:", "Author: AWS4-x", "X-Signature: x", "Signatures: x"])
  func notSigned(_ line: String) { #expect(sent([line]).count == 2) }

  @Test(arguments: [
    "http://h/?X-Amz-Signature=x", "https://h/p?a=b&X-Amz-Signature=x#f", "http://h/?X-Goog-Signature=x", "http://h/?se=1&sig=x", "http://h/?Signature=x", "http://169.254.169.254/latest/meta-data/",
    "http://169.254.170.2/v2", "http://[fd00:ec2::254]/latest", "http://[FD00:EC2::254]:80/latest",
  ])
  func signedOrForbiddenByTheURL(_ url: String) {
    set(OTEL_CURLOPT_URL, url)
    #expect(sent(["A: b"]) == ["A: b"])
    set(OTEL_CURLOPT_URL, "http://h/?token=x&sign=y")
    #expect(sent(["A: b"]).count == 2)
  }

  @Test(arguments: ["http://169.254.example/", "http://169.255.169.254/", "http://1.2.3.4/", "http://fd00.example/", "http://[fd00::254]/", "http://h/169.254.169.254"])
  func otherHosts(_ url: String) {
    set(OTEL_CURLOPT_URL, url)
    #expect(sent().count == 1)
  }

  @Test func signedOrSharedByAnOption() {
    set(OTEL_CURLOPT_AWS_SIGV4, "aws:amz")
    #expect(sent(["A: b"]) == ["A: b"])
    set(OTEL_CURLOPT_AWS_SIGV4, 0)
    #expect(sent().count == 1)
    set(OTEL_CURLOPT_HTTPAUTH, UInt(OTEL_CURLAUTH_AWS_SIGV4))
    #expect(sent().isEmpty)
    set(OTEL_CURLOPT_HTTPAUTH, ~16)
    #expect(sent().count == 1)
    set(OTEL_CURLOPT_HEADEROPT, UInt(OTEL_CURLHEADER_UNIFIED))
    #expect(sent().isEmpty)
    set(OTEL_CURLOPT_HEADEROPT, 1)
    #expect(sent().count == 1)
  }

  @Test func aCopyHasTheObstaclesToo() throws {
    set(OTEL_CURLOPT_AWS_SIGV4, "aws:amz")
    set(OTEL_CURLOPT_FOLLOWLOCATION, 1)
    let copy = curl.makeHandle()
    instrumentor.copied(curl.library, from: easy, to: copy)
    defer { instrumentor.closed(copy) }
    let record = try #require(EasyHandleTable.find(copy)).record
    #expect(record.pointee.forbids_headers == HeaderObstacle.signature && record.pointee.follows == 1)
  }

  // MARK: Reparenting

  @Test func anOwnContextIsReplaced() {
    configure([.traceContext, .baggage], traceState: "tracestate: a=1", baggage: "baggage: k=v", reparents: true)
    var lines = sent(["A: b", "TraceParent: \(Self.parent)", "tracestate: x=1", "C: d", "Tracestate: y=2"])
    #expect(lines.map(name) == ["traceparent", "baggage", "A", "tracestate", "C", "Tracestate"])
    #expect(lines[0].hasPrefix("traceparent: 00-\(Self.trace)-") && !lines[0].contains("b7ad6b7169203331"))
    // What cannot be used goes, and with a traceparent also its tracestate.
    lines = sent(["traceparent: \(Self.parent)", "traceparent: \(Self.parent)", "tracestate: x=1", "Z: z"])
    #expect(lines.map(name) == ["traceparent", "tracestate", "baggage", "Z"] && !lines[0].contains(Self.trace) && lines[1] == "tracestate: a=1")
    #expect(sent(["traceparent: \(Self.parent)", "tracestate: x=1", "tracestate: X"]).map(name) == ["traceparent", "baggage"])
    #expect(sent(["tracestate: x=1"]).map(name) == ["traceparent", "tracestate", "baggage"])
    #expect(sent(["tracestate: x=1"])[1] == "tracestate: a=1")
    #expect(sent(["traceparent: \(Self.parent)", "tracestate:", "baggage: z=1"]).map(name) == ["traceparent", "tracestate", "baggage"])
    // Who takes it away wants none.
    #expect(sent(["traceparent:"]) == ["traceparent:"])
  }

  @Test func everyFormatIsReplaced() {
    configure(Self.all, reparents: true)
    let lines = sent(["A: b", "b3: \(Self.trace)-b7ad6b7169203331-d", "uber-trace-id: 1:2:0:1", "Z: z"])
    #expect(lines.map(name) == Self.identity.map { $0 } + ["A", "Z"])
    // The last of the formats has the last word.
    #expect(log.parents.last??.traceLow == 1)
  }

  /// More headers in front of it than there is room for: then the request stays as it is.
  @Test func aLongList() {
    configure([.traceContext], reparents: true)
    let others = (1...20).map { "H\($0): x" }
    #expect(sent(others + ["traceparent: \(Self.parent)"]).map(name) == ["traceparent"] + others.map(name))
    let many = (1...60).map { "H\($0): x" } + ["traceparent: \(Self.parent)"]
    #expect(sent(many) == many)
    #expect(sent(["traceparent: \(Self.parent)"] + others + others + others).count == 61)
  }

  @Test func aSignedRequestIsNotReparented() {
    configure([.traceContext], reparents: true)
    let lines = ["traceparent: \(Self.parent)", "Authorization: AWS4-HMAC-SHA256 SignedHeaders=traceparent"]
    #expect(sent(lines) == lines)
    #expect(log.parents.last??.spanID == 0xb7ad_6b71_6920_3331)
  }

  // MARK: In a multi handle

  @Test func aNewListThatNamesSomeOfOurs() {
    configure([.traceContext, .baggage], traceState: "tracestate: a=1", baggage: "baggage: k=v")
    instrumentor.multiAddEnter(call, curl.library, multi, easy)
    let first = wire
    #expect(first.map(name) == ["traceparent", "tracestate", "baggage"])
    setHeaders(["A: b", "Baggage: own=1"])
    #expect(wire.map(name) == ["traceparent", "tracestate", "A", "Baggage"] && wire[0] == first[0])
    setHeaders([])
    #expect(wire == first)
    setHeaders(["Signature: x"])
    #expect(wire == ["Signature: x"])
    instrumentor.multiRemoved(easy)
    #expect(wire == ["Signature: x"])
    setHeaders([])
  }
}
