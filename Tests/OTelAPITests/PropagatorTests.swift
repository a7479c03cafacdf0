import OTelAPI
import OTelPrimitives
import OTelTestSupport
import Testing

@Suite struct PropagatorTests {
  private static let high: UInt64 = 0x0af7_6519_16cd_43dd
  private static let low: UInt64 = 0x8448_eb21_1c80_319c
  private static let trace = "0af7651916cd43dd8448eb211c80319c"
  private static let half = "8448eb211c80319c"
  private static let span = "b7ad6b7169203331"

  /// As a user would write them.
  private func propagators(_ names: String) -> Propagators {
    var propagators = Propagators()
    for name in names.split(separator: ",") { if let propagator = withText(String(name), { Propagator($0) }) { propagators.append(propagator) } }
    return propagators
  }

  /// What the fields say; they outlive the answer.
  private func extract(_ names: String, _ fields: [(ContextField, String)]) -> (context: SpanContext, isTraceContext: Bool)? {
    let texts = fields.map { ($0.0, GuardedText(Array($0.1.utf8))) }
    defer { withExtendedLifetime(texts) {} }
    var context = ContextFields()
    for (field, text) in texts { context.add(field, text.text) }
    return propagators(names).extract(context)
  }

  private func expect(_ found: SpanContext?, high: UInt64 = Self.high, flags: UInt8, line: SourceLocation = #_sourceLocation) {
    #expect(found?.traceHigh == high, sourceLocation: line)
    #expect(found?.traceLow == Self.low, sourceLocation: line)
    #expect(found?.spanID == 0xb7ad_6b71_6920_3331, sourceLocation: line)
    #expect(found?.flags == flags, sourceLocation: line)
  }

  private static let debug = SpanContext.sampled | SpanContext.debug

  // MARK: The list

  @Test func eachOnceInTheOrderGiven() {
    var list = propagators("B3,tracecontext,b3,xray,tracecontext,jaeger,ottrace,b3multi,baggage,nonsense,xray")
    var found: [Propagator] = []
    while let next = list.next() { found.append(next) }
    #expect(found == [.b3, .traceContext, .xray, .jaeger, .ottrace, .b3multi, .baggage])
    #expect(list.isEmpty)
  }

  @Test func theStandardOne() {
    #expect(propagators("tracecontext,baggage").isStandard)
    #expect(!propagators("baggage,tracecontext").isStandard && !propagators("tracecontext").isStandard && !Propagators().isStandard)
    #expect(Propagators.standard.contains(.baggage) && !Propagators.standard.contains(.b3))
  }

  // MARK: B3

  @Test(arguments: [("-0", 0), ("-1", 1), ("-d", debug), ("", 0), ("-1-05e3ac9a4f6e3b90", 1), ("-d-05e3ac9a4f6e3b90", debug)] as [(String, UInt8)])
  func b3Single(_ rest: String, _ flags: UInt8) {
    expect(extract("b3", [(.b3, "\(Self.trace)-\(Self.span)\(rest)")])?.context, flags: flags)
    expect(extract("b3multi", [(.b3, " \(Self.half)-\(Self.span)\(rest)\t")])?.context, high: 0, flags: flags)
  }

  @Test(arguments: [
    "0", "1", "d", "", "-", "\(trace)-\(span)-", "\(trace)-\(span)-x", "\(trace)-\(span)-11", "\(trace)-\(span)-1-", "\(trace)-\(span)-1-05e3ac9a4f6e3b9",
    "\(trace)-\(span)-1-05e3ac9a4f6e3b90x", "\(trace)-\(span)-1_05e3ac9a4f6e3b90", "\(trace)", "\(trace)-b7ad6b716920333", "0\(trace)-\(span)-1",
    "\(half)0-\(span)-1", "00000000000000000000000000000000-\(span)-1", "\(trace)-0000000000000000-1", "\(trace.dropLast())g-\(span)-1",
    "\(trace)-\(span.dropLast())g-1", "\(trace)-\(span)-1-05e3ac9a4f6e3b9g",
  ])
  func b3SingleRefused(_ value: String) { #expect(extract("b3", [(.b3, value)]) == nil) }

  @Test func b3Multi() {
    let ids: [(ContextField, String)] = [(.b3TraceID, Self.trace), (.b3SpanID, Self.span)]
    for name in ["b3", "b3multi"] {
      expect(extract(name, ids + [(.b3Sampled, "1")])?.context, flags: 1)
      expect(extract(name, ids + [(.b3Sampled, "true"), (.b3ParentSpanID, Self.half)])?.context, flags: 1)
      expect(extract(name, ids + [(.b3Sampled, "0")])?.context, flags: 0)
      expect(extract(name, ids + [(.b3Sampled, "false")])?.context, flags: 0)
      expect(extract(name, ids)?.context, flags: 0)
      expect(extract(name, ids + [(.b3Flags, "1")])?.context, flags: Self.debug)
      expect(extract(name, ids + [(.b3Flags, "1"), (.b3Sampled, "0")])?.context, flags: Self.debug)
      expect(extract(name, ids + [(.b3Flags, "0"), (.b3Sampled, "1")])?.context, flags: 1)
      #expect(extract(name, [(.b3Sampled, "1")]) == nil)
      #expect(extract(name, [(.b3TraceID, Self.trace), (.b3SpanID, "1"), (.b3Sampled, "1")]) == nil)
    }
    // The single field is tried first, and one that is invalid is as good as none.
    expect(extract("b3", ids + [(.b3Sampled, "1"), (.b3, "\(Self.trace)-\(Self.span)-0")])?.context, flags: 0)
    expect(extract("b3", ids + [(.b3Sampled, "1"), (.b3, "nonsense")])?.context, flags: 1)
    // Twice is not at all.
    #expect(extract("b3", ids + [(.b3SpanID, Self.span)]) == nil)
  }

  // MARK: Jaeger

  @Test(arguments: [
    ("\(trace):\(span):0:1", 1), ("\(trace):\(span):0:0", 0), ("\(trace):\(span):\(half):01", 1), ("\(trace):\(span):0:3", debug), ("\(trace):\(span):0:2", debug),
    ("\(trace)%3A\(span)%3a0%3A1", 1), ("\(trace):\(span):0:ff", debug), ("\(trace.dropFirst()):\(span):0:1", 1), ("\(trace.uppercased()):\(span):0:1", 1),
  ] as [(String, UInt8)])
  func jaeger(_ value: String, _ flags: UInt8) { expect(extract("jaeger", [(.uberTraceID, value)])?.context, flags: flags) }

  @Test func jaegerIDsOfAnyLength() throws {
    let context = try #require(extract("jaeger", [(.uberTraceID, "1:2:0:1")])?.context)
    #expect(context.traceHigh == 0 && context.traceLow == 1 && context.spanID == 2)
    expect(extract("jaeger", [(.uberTraceID, "\(Self.half):\(Self.span):0:1")])?.context, high: 0, flags: 1)
  }

  @Test(arguments: [
    "", ":::", "\(trace):\(span):0", "\(trace):\(span):0:", "\(trace):\(span)::1", "\(trace):\(span):0:1:1", "\(trace):\(span):0:x", "\(trace):\(span):0:001",
    "0\(trace):\(span):0:1", "\(trace):0\(span):0:1", "0:\(span):0:1", "\(trace):0:0:1", "\(trace):\(span):x:1", "\(trace)%3\(span)%3A0%3A1", "\(trace):\(span):0:%",
    "\(trace)%3A\(span)%3A0%3", "\(trace)-\(span)-0-1",
  ])
  func jaegerRefused(_ value: String) { #expect(extract("jaeger", [(.uberTraceID, value)]) == nil) }

  // MARK: X-Ray

  private static let root = "Root=1-0af76519-16cd43dd8448eb211c80319c"

  @Test(arguments: [
    ("\(root);Parent=\(span);Sampled=1", 1), ("\(root);Parent=\(span);Sampled=0", 0), ("\(root);Parent=\(span)", 0), ("\(root);Parent=\(span);Sampled=?", 0),
    ("Self=1-0-0; Sampled=1 ;Parent=\(span);Lineage=a:1; \(root)", 1), (";;\(root);Parent=\(span);Sampled=1;", 1),
  ] as [(String, UInt8)])
  func xray(_ value: String, _ flags: UInt8) { expect(extract("xray", [(.amznTraceID, value)])?.context, flags: flags) }

  @Test(arguments: [
    "", root, "Parent=\(span);Sampled=1", "\(root);Parent=;Sampled=1", "Root=2-0af76519-16cd43dd8448eb211c80319c;Parent=\(span)", "\(root)0;Parent=\(span)",
    "Root=1-0af76519-16cd43dd8448eb211c80319;Parent=\(span)", "Root=1-0af7651916cd43dd8448eb211c80319c0;Parent=\(span)", "\(root);Parent=0000000000000000",
    "Root=1-00000000-000000000000000000000000;Parent=\(span)", "root=1-0af76519-16cd43dd8448eb211c80319c;Parent=\(span)", "\(root);Parent=\(span)0",
    "Root=1-0af7651g-16cd43dd8448eb211c80319c;Parent=\(span)", "\(root),Parent=\(span)",
  ])
  func xrayRefused(_ value: String) { #expect(extract("xray", [(.amznTraceID, value)]) == nil) }

  @Test func oneHalfOfATraceIDMayBeZero() {
    #expect(extract("xray", [(.amznTraceID, "Root=1-0af76519-16cd43dd0000000000000000;Parent=\(Self.span)")]) != nil)
    #expect(extract("b3", [(.b3, "0af7651916cd43dd0000000000000000-\(Self.span)-1")]) != nil)
  }

  // MARK: OpenTracing

  @Test func ottrace() {
    expect(extract("ottrace", [(.otTraceID, Self.half), (.otSpanID, Self.span), (.otSampled, "true")])?.context, high: 0, flags: 1)
    expect(extract("ottrace", [(.otTraceID, Self.trace), (.otSpanID, Self.span), (.otSampled, "false")])?.context, flags: 0)
    expect(extract("ottrace", [(.otTraceID, Self.trace), (.otSpanID, Self.span)])?.context, flags: 0)
    for (trace, span) in [("", Self.span), (Self.trace, ""), ("0", Self.span), (Self.trace, "0"), ("0" + Self.trace, Self.span), (Self.trace, "x")] {
      #expect(extract("ottrace", [(.otTraceID, trace), (.otSpanID, span), (.otSampled, "true")]) == nil)
    }
  }

  // MARK: Several

  @Test func theLastThatFindsOneCounts() throws {
    let both: [(ContextField, String)] = [(.traceParent, "00-\(Self.trace)-\(Self.span)-03"), (.b3, "1-2-1"), (.uberTraceID, "3:4:0:0")]
    let first = try #require(extract("tracecontext,jaeger", both))
    #expect(first.context.traceLow == 3 && !first.isTraceContext && !first.context.isSampled)
    let second = try #require(extract("jaeger,tracecontext", both))
    expect(second.context, flags: 3)
    #expect(second.isTraceContext)
    // B3's here is invalid, and changes nothing.
    #expect(try #require(extract("tracecontext,b3,baggage", both)).isTraceContext)
    #expect(extract("b3,xray,ottrace,baggage", both) == nil)
    #expect(extract("", both) == nil)
  }

  // MARK: What is sent

  private func lines(_ name: String, _ context: SpanContext) -> [String] {
    guard let propagator = withText(name, { Propagator($0) }), let (first, last) = ContextLine.lines(of: propagator) else { return [] }
    return (first.rawValue...last.rawValue).map { number in
      let line = ContextLine(rawValue: number)!
      let form = line.form(context)
      var bytes = [UInt8](repeating: 0x21, count: form.count + 8)
      if line.isConstant { return form.string }
      bytes.withUnsafeMutableBufferPointer { line.write(context, to: $0.baseAddress!) }
      #expect(bytes[form.count] == 0 && bytes[(form.count + 1)...].allSatisfy { $0 == 0x21 })
      return String(decoding: bytes[..<form.count], as: UTF8.self)
    }
  }

  @Test(arguments: [
    ("tracecontext", debug | SpanContext.random, ["traceparent: 00-\(trace)-\(span)-03"]), ("baggage", 1, []), ("b3", 1, ["b3: \(trace)-\(span)-1"]),
    ("b3", 2, ["b3: \(trace)-\(span)-0"]), ("b3", debug, ["b3: \(trace)-\(span)-d"]),
    ("b3multi", 1, ["X-B3-TraceId: \(trace)", "X-B3-SpanId: \(span)", "X-B3-Sampled: 1"]),
    ("b3multi", 2, ["X-B3-TraceId: \(trace)", "X-B3-SpanId: \(span)", "X-B3-Sampled: 0"]),
    ("b3multi", debug, ["X-B3-TraceId: \(trace)", "X-B3-SpanId: \(span)", "X-B3-Flags: 1"]), ("jaeger", 1, ["uber-trace-id: \(trace):\(span):0:1"]),
    ("jaeger", 0, ["uber-trace-id: \(trace):\(span):0:0"]), ("jaeger", debug, ["uber-trace-id: \(trace):\(span):0:3"]),
    ("xray", 3, ["X-Amzn-Trace-Id: \(root);Parent=\(span);Sampled=1"]), ("xray", 0, ["X-Amzn-Trace-Id: \(root);Parent=\(span);Sampled=0"]),
    ("ottrace", 1, ["ot-tracer-traceid: \(half)", "ot-tracer-spanid: \(span)", "ot-tracer-sampled: true"]),
    ("ottrace", 0, ["ot-tracer-traceid: \(half)", "ot-tracer-spanid: \(span)", "ot-tracer-sampled: false"]),
  ] as [(String, UInt8, [String])])
  func sent(_ name: String, _ flags: UInt8, _ expected: [String]) {
    #expect(lines(name, SpanContext(traceHigh: Self.high, traceLow: Self.low, spanID: 0xb7ad_6b71_6920_3331, flags: flags)) == expected)
  }

  /// What is sent in a format is read in it as the same.
  @Test(arguments: ["tracecontext", "b3", "b3multi", "jaeger", "xray"])
  func sentIsRead(_ name: String) throws {
    for _ in 0..<200 {
      let flags: UInt8 = [0, 1, Self.debug].randomElement()!
      let context = SpanContext(traceHigh: .random(in: 0...(.max)), traceLow: .random(in: 1...(.max)), spanID: .random(in: 1...(.max)), flags: flags)
      let fields = lines(name, context).map { line in
        let field = withText(line) { ContextField.named(header: $0) }!
        return (field, String(line.drop { $0 != ":" }.dropFirst(2)))
      }
      let found = try #require(extract(name, fields)?.context)
      #expect(found.traceHigh == context.traceHigh && found.traceLow == context.traceLow && found.spanID == context.spanID)
      #expect(found.flags == (["b3", "b3multi", "jaeger"].contains(name) ? flags : flags & 1))
    }
  }
}
