import OTelAPI
import OTelPrimitives
import OTelTestSupport
import Testing

@Suite struct TraceParentTests {
  private static let trace = "0af7651916cd43dd8448eb211c80319c"
  private static let span = "b7ad6b7169203331"

  private func parse(_ value: String) -> SpanContext? { withText(value) { TraceParent.parse($0) } }

  private func written(_ context: SpanContext) -> String {
    var bytes = [UInt8](repeating: 0x21, count: TraceParent.length + 8)
    bytes.withUnsafeMutableBufferPointer { TraceParent.write(context, to: $0.baseAddress!) }
    #expect(bytes[TraceParent.length...].allSatisfy { $0 == 0x21 })
    return String(decoding: bytes[..<TraceParent.length], as: UTF8.self)
  }

  // W3C Trace Context Level 2, 3.2 and 4.
  @Test(arguments: [
    "00-\(trace)-\(span)-01", " 00-\(trace)-\(span)-01", "00-\(trace)-\(span)-01\t ", "cc-\(trace)-\(span)-01", "cc-\(trace)-\(span)-01-future",
    "cc-\(trace)-\(span)-01-", "01-\(trace)-\(span)-01", "fe-\(trace)-\(span)-01-what-the-future-will-be-like",
  ])
  func accepted(_ value: String) throws {
    let context = try #require(parse(value))
    #expect(context.traceHigh == 0x0af7_6519_16cd_43dd)
    #expect(context.traceLow == 0x8448_eb21_1c80_319c)
    #expect(context.spanID == 0xb7ad_6b71_6920_3331)
    #expect(context.flags == 1)
    #expect(context.isSampled)
  }

  @Test(arguments: [
    "", " ", "00", "ff-\(trace)-\(span)-01", "ff-\(trace)-\(span)-01-x", "00-\(trace)-\(span)-01.", "00-\(trace)-\(span)-01-", "00-\(trace)-\(span)-01-x",
    "cc-\(trace)-\(span)-01.x", "cc-\(trace)-\(span)-0", "cc-\(trace)-\(span)", "0-\(trace)-\(span)-01", "000-\(trace)-\(span)-01",
    "0000-\(trace)-\(span)-01", "0x-\(trace)-\(span)-01", ".0-\(trace)-\(span)-01", "00-\(trace.uppercased())-\(span)-01",
    "00-\(trace)-\(span.uppercased())-01", "CC-\(trace)-\(span)-01", "00-\(trace)-\(span)-0A", "00-00000000000000000000000000000000-\(span)-01",
    "00-\(trace)-0000000000000000-01", "00-\(trace.dropLast())-\(span)-01", "00-\(trace)0-\(span)-01", "00-\(trace)-\(span.dropLast())-01",
    "00-\(trace)-\(span)0-01", "00-\(trace)-\(span)-1", "00-\(trace)-\(span)-001", "00-\(trace)-\(span)-.0", "00-\(trace)-\(span)-0.",
    "00_\(trace)_\(span)_01", "00-\(trace) \(span)-01", "00-\(trace.dropLast())g-\(span)-01", "00-\(trace)-\(span.dropLast())/-01",
    "00-\(trace.dropLast())`-\(span)-01", "00-\(trace)-\(span)-01,00-\(trace)-\(span)-01", "00-\(trace)-\(span)-01\0",
    "\u{a0}00-\(trace)-\(span)-01",
  ])
  func refused(_ value: String) { #expect(parse(value) == nil) }

  @Test(arguments: [("00", 0), ("01", 1), ("02", 2), ("03", 3), ("ff", 3), ("fc", 0), ("09", 1)] as [(String, UInt8)])
  func keepsKnownFlagsOnly(_ flags: String, _ expected: UInt8) throws {
    let context = try #require(parse("00-\(Self.trace)-\(Self.span)-\(flags)"))
    #expect(context.flags == expected)
    #expect(written(context) == "00-\(Self.trace)-\(Self.span)-0\(expected)")
  }

  @Test func oneHalfOfATraceIDMayBeZero() {
    #expect(parse("00-0000000000000000\(Self.span)-\(Self.span)-00") != nil)
    #expect(parse("00-\(Self.span)0000000000000000-\(Self.span)-00") != nil)
  }

  @Test func writtenIsParsed() throws {
    for _ in 0..<2000 {
      let context = SpanContext(
        traceHigh: .random(in: 0...(.max)), traceLow: .random(in: 1...(.max)), spanID: .random(in: 1...(.max)), flags: .random(in: 0...3))
      let value = written(context)
      let parsed = try #require(parse(value))
      #expect(
        parsed.traceHigh == context.traceHigh && parsed.traceLow == context.traceLow && parsed.spanID == context.spanID
          && parsed.flags == context.flags)
      func hex(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
      }
      #expect(value == "00-\(hex(context.traceHigh))\(hex(context.traceLow))-\(hex(context.spanID))-0\(context.flags)")
    }
  }

  @Test func everyCutIsRefused() {
    let value = "00-\(Self.trace)-\(Self.span)-01"
    for count in 0..<value.count { #expect(parse(String(value.prefix(count))) == nil) }
  }
}
