import OTelPrimitives
import OTelTestSupport
import Testing

@testable import OTelAPI

@Suite struct BaggageHeaderTests {
  /// Baggage after `entries` of the environment, read in the format `header`, on top of what was there.
  private func read(_ header: BaggageHeader, _ entries: [String], onTopOf before: String = "") -> String {
    var bytes = [UInt8](repeating: 0x21, count: Baggage.capacity + 8)
    var count = before.utf8.count
    bytes.replaceSubrange(0..<count, with: Array(before.utf8))
    bytes.withUnsafeMutableBufferPointer { buffer in
      for entry in entries { withText(entry) { header.read($0, into: buffer.baseAddress!, count: &count) } }
    }
    #expect(bytes[Baggage.capacity...].allSatisfy { $0 == 0x21 })
    return String(decoding: bytes[..<count], as: UTF8.self)
  }

  private func lines(_ header: BaggageHeader, _ baggage: String) -> [String] {
    var bytes = [UInt8](repeating: 0x21, count: BaggageHeader.lineCapacity + 8)
    let count = withText(baggage) { text in bytes.withUnsafeMutableBufferPointer { header.write(text, to: $0.baseAddress!) } }
    #expect(bytes[BaggageHeader.lineCapacity...].allSatisfy { $0 == 0x21 } && (count == 0 || bytes[count - 1] == 0))
    return bytes[..<count].split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
  }

  @Test func formatsThatHaveThem() {
    #expect(BaggageHeader(.jaeger) == .jaeger && BaggageHeader(.ottrace) == .ottrace)
    for other in [Propagator.traceContext, .baggage, .b3, .b3multi, .xray] { #expect(BaggageHeader(other) == nil) }
  }

  @Test(arguments: [
    (.jaeger, ["UBERCTX_USER_ID=alice", "UBERCTX_N=1"], "user_id=alice,n=1"), (.jaeger, ["UBERCTX_K=a%20b"], "k=a%20b"), (.jaeger, ["UBERCTX_K= a b "], "k=a%20b"),
    (.jaeger, ["UBERCTX_K=1", "UBERCTX_J=2", "UBERCTX_K=3"], "j=2,k=3"), (.jaeger, ["UBERCTX_K="], "k="), (.jaeger, ["UBERCTX_=1"], ""), (.jaeger, ["UBERCTX_K"], ""),
    (.jaeger, ["UBERCTX_k=1"], ""), (.jaeger, ["UBERCTX_A-B=1"], ""), (.jaeger, ["OT_BAGGAGE_K=1"], ""), (.jaeger, ["UBERCTX_K=a,b;c=d\\\"e\u{e4}\n"], "k=a%2Cb%3Bc=d%5C%22e%C3%A4%0A"),
    (.jaeger, ["JAEGER_BAGGAGE=a=1, b = x y ,nonsense,c=5%"], "a=1,b=x%20y,c=5%25"), (.ottrace, ["JAEGER_BAGGAGE=a=1"], ""),
    (.ottrace, ["OT_BAGGAGE_K=50% of a"], "k=50%25%20of%20a"), (.ottrace, ["UBERCTX_K=1"], ""), (.ottrace, ["OT_BAGGAGE_" + String(repeating: "K", count: 129) + "=1"], ""),
  ] as [(BaggageHeader, [String], String)])
  func whatIsRead(_ header: BaggageHeader, _ entries: [String], _ expected: String) { #expect(read(header, entries) == expected) }

  @Test func aLaterFormatTakesThePlaceOfAnEarlierOne() {
    #expect(read(.jaeger, ["UBERCTX_K=new"], onTopOf: "a=1,k=old;p=q,b=2") == "a=1,b=2,k=new")
    #expect(read(.jaeger, ["UBERCTX_K=new"], onTopOf: " k = old ") == "k=new")
    // Names of baggage have a case; those of variables have not.
    #expect(read(.jaeger, ["UBERCTX_K=new"], onTopOf: "K=old") == "K=old,k=new")
  }

  @Test func noMoreThanIsCarried() {
    let many = (0..<70).map { "UBERCTX_K\($0)=\($0)" }
    #expect(read(.jaeger, many) == (0..<64).map { "k\($0)=\($0)" }.joined(separator: ","))
    let long = String(repeating: "x", count: Baggage.capacity - 2)
    #expect(read(.jaeger, ["UBERCTX_A=" + long]) == "a=" + long)
    #expect(read(.jaeger, ["UBERCTX_A=" + long + "x", "UBERCTX_B=1"]) == "b=1")
    #expect(read(.jaeger, ["UBERCTX_A=" + long, "UBERCTX_B="]) == "a=" + long)
    // Each byte takes three.
    #expect(read(.ottrace, ["OT_BAGGAGE_A=" + String(repeating: "%", count: 2730)]).utf8.count == Baggage.capacity)
    #expect(read(.ottrace, ["OT_BAGGAGE_A=" + String(repeating: "%", count: 2731)]) == "")
  }

  @Test(arguments: [
    (.jaeger, "a=1;p=q, b = x%20y ", ["uberctx-a: 1", "uberctx-b: x%20y"]), (.ottrace, "a=1;p=q, b = x%20y ", ["ot-baggage-a: 1", "ot-baggage-b: x y"]),
    (.jaeger, "a=,b=2", ["uberctx-a;", "uberctx-b: 2"]), (.ottrace, "a=,b=2", ["ot-baggage-a;", "ot-baggage-b: 2"]), (.jaeger, "", []),
    // What would begin another header.
    (.ottrace, "a=x%0d%0aInjected:%201,b=%00,c=%7f,d=%c3%a4,e=5%,f=%zz,g=%4", ["ot-baggage-d: \u{e4}", "ot-baggage-e: 5%", "ot-baggage-f: %zz", "ot-baggage-g: %4"]),
  ] as [(BaggageHeader, String, [String])])
  func whatIsSent(_ header: BaggageHeader, _ baggage: String, _ expected: [String]) { #expect(lines(header, baggage) == expected) }

  @Test func roomForAllLines() {
    let short = (0..<64).map { "k\($0)=" }.joined(separator: ",")
    let members = short + String(repeating: "x", count: Baggage.capacity - short.utf8.count)
    #expect(lines(.jaeger, members).count == 64 && lines(.ottrace, members).count == 64)
  }

  @Test func headersAndVariables() {
    for line in ["uberctx-a: 1", "UberCtx-A;", "ot-baggage-k:", "jaeger-baggage: a=1"] { withText(line) { #expect(BaggageHeader.isOne(header: $0)) } }
    for line in ["uber-trace-id: 1", "ot-tracer-traceid: 1", "baggage: a=1", "uberctx", ""] { withText(line) { #expect(!BaggageHeader.isOne(header: $0)) } }
    for entry in ["UBERCTX_A=1", "OT_BAGGAGE_A=1", "JAEGER_BAGGAGE=a=1"] { withText(entry) { #expect(BaggageHeader.isOne(environment: $0)) } }
    for entry in ["UBER_TRACE_ID=1", "JAEGER_BAGGAGE_X=1", "uberctx_a=1", ""] { withText(entry) { #expect(!BaggageHeader.isOne(environment: $0)) } }
  }
}
