import OTelAPI
import OTelPrimitives

/// What a reader makes of fields: the plain answers of this file's reference implementations, which split where the parsers walk.
private struct ReferenceContext: Equatable {
  /// Without zeros in front.
  let trace: [UInt8], span: [UInt8], flags: UInt8

  init?(trace: some Collection<UInt8>, _ traceDigits: ClosedRange<Int>, span: some Collection<UInt8>, _ spanDigits: ClosedRange<Int>, flags: UInt8) {
    func digits(_ id: some Collection<UInt8>, _ count: ClosedRange<Int>) -> [UInt8]? {
      let hexadecimal = Set("0123456789abcdef".utf8)
      guard count.contains(id.count), id.lowercased.allSatisfy(hexadecimal.contains) else { return nil }
      let significant = Array(Array(id.lowercased).drop { $0 == 0x30 })
      return significant.isEmpty ? nil : significant
    }
    guard let trace = digits(trace, traceDigits), let span = digits(span, spanDigits) else { return nil }
    (self.trace, self.span, self.flags) = (trace, span, flags)
  }

  init(_ context: SpanContext) {
    let low = String(context.traceLow, radix: 16)
    let padding = context.traceHigh == 0 ? "" : String(context.traceHigh, radix: 16) + String(repeating: "0", count: 16 - low.utf8.count)
    trace = Array((padding + low).utf8.drop { $0 == 0x30 })
    span = Array(String(context.spanID, radix: 16).utf8)
    flags = context.flags
  }
}

private let debug = SpanContext.sampled | SpanContext.debug

private func propagators(_ propagator: Propagator) -> Propagators {
  var list = Propagators()
  list.append(propagator)
  return list
}

/// - Parameter values: as they came.
private func extract(_ propagator: Propagator, _ values: [(ContextField, [UInt8])]) -> ReferenceContext? {
  let memory = values.map { _, bytes in
    let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, bytes.count))
    copy.initialize(from: bytes, count: bytes.count)
    return copy
  }
  defer { for copy in memory { copy.deallocate() } }
  var fields = ContextFields()
  for (index, (field, bytes)) in values.enumerated() { fields.add(field, Text(memory[index], count: bytes.count)) }
  return propagators(propagator).extract(fields).map { ReferenceContext($0.context) }
}

/// The single field up to a NUL, then the others.
func b3(_ input: UnsafeRawBufferPointer) {
  var pieces = Pieces(input)
  let values = (0..<5).map { _ in pieces.take(to: 0) }
  let fields: [ContextField] = [.b3, .b3TraceID, .b3SpanID, .b3Sampled, .b3Flags]
  let found = extract(.b3, Array(zip(fields, values)))
  checkEqual(found, referenceB3(values.map(\.trimmed)), "what is read")
  checkEqual(extract(.b3multi, Array(zip(fields, values))), found, "what the other propagator reads")
}

private func referenceB3(_ values: [[UInt8]]) -> ReferenceContext? {
  let parts = values[0].split(separator: 0x2d, omittingEmptySubsequences: false).map(Array.init)
  let flags: [[UInt8]: UInt8] = [Array("0".utf8): 0, Array("1".utf8): 1, Array("d".utf8): debug]
  if (2...4).contains(parts.count), let flag = parts.count == 2 ? 0 : flags[parts[2]],
    parts.count < 4 || parts[3].count == 16 && parts[3].allSatisfy({ Set("0123456789abcdefABCDEF".utf8).contains($0) }),
    let single = b3Context(parts[0], parts[1], flag)
  {
    return single
  }
  let sampled: UInt8 = values[3] == Array("1".utf8) || values[3].lowercased == Array("true".utf8) ? 1 : 0
  return b3Context(values[1], values[2], values[4] == Array("1".utf8) ? debug : sampled)
}

private func b3Context(_ trace: [UInt8], _ span: [UInt8], _ flags: UInt8) -> ReferenceContext? {
  trace.count == 16 || trace.count == 32 ? ReferenceContext(trace: trace, 16...32, span: span, 16...16, flags: flags) : nil
}

func jaeger(_ input: UnsafeRawBufferPointer) {
  // An escape that is none of a colon spoils its part, as a part of an id it is none; so all of them may be undone first.
  var text: [UInt8] = []
  var rest = Array(input).trimmed[...]
  while let byte = rest.popFirst() {
    if byte == 0x25, rest.starts(with: "3A".utf8) || rest.starts(with: "3a".utf8) {
      text.append(0x3a)
      rest = rest.dropFirst(2)
    } else {
      text.append(byte)
    }
  }
  let parts = text.split(separator: 0x3a, omittingEmptySubsequences: false).map(Array.init)
  var expected: ReferenceContext?
  let digits = Set("0123456789abcdefABCDEF".utf8)
  if parts.count == 4, (1...16).contains(parts[2].count), parts[2].allSatisfy(digits.contains), (1...2).contains(parts[3].count), parts[3].allSatisfy(digits.contains) {
    let bits = UInt8(String(decoding: parts[3], as: UTF8.self), radix: 16) ?? 0
    expected = ReferenceContext(trace: parts[0], 1...32, span: parts[1], 1...16, flags: bits & 2 != 0 ? debug : bits & 1)
  }
  checkEqual(extract(.jaeger, [(.uberTraceID, Array(input))]), expected, "what is read of \(String(decoding: input, as: UTF8.self))")
}

func xray(_ input: UnsafeRawBufferPointer) {
  var values: [String: [UInt8]] = [:]
  for part in Array(input).trimmed.split(separator: 0x3b).map(\.trimmed) {
    for key in ["Root", "Parent", "Sampled"] where part.starts(with: (key + "=").utf8) { values[key] = Array(part.dropFirst(key.utf8.count + 1)) }
  }
  let root = (values["Root"] ?? []).split(separator: 0x2d, omittingEmptySubsequences: false).map(Array.init)
  var expected: ReferenceContext?
  if root.map(\.count) == [1, 8, 24], root[0] == Array("1".utf8) {
    let flags: UInt8 = values["Sampled"] == Array("1".utf8) ? 1 : 0
    expected = ReferenceContext(trace: root[1] + root[2], 32...32, span: values["Parent"] ?? [], 16...16, flags: flags)
  }
  checkEqual(extract(.xray, [(.amznTraceID, Array(input))]), expected, "what is read of \(String(decoding: input, as: UTF8.self))")
}

func ottrace(_ input: UnsafeRawBufferPointer) {
  var pieces = Pieces(input)
  let values = (0..<3).map { _ in pieces.take(to: 0) }
  let isSampled = values[2].trimmed == Array("1".utf8) || values[2].trimmed.lowercased == Array("true".utf8)
  let expected = ReferenceContext(trace: values[0].trimmed, 1...32, span: values[1].trimmed, 1...16, flags: isSampled ? 1 : 0)
  checkEqual(extract(.ottrace, Array(zip([.otTraceID, .otSpanID, .otSampled], values))), expected, "what is read")
}

/// Members are read by splitting at commas, semicolons and the first equals sign: none of them can be inside of a part.
func baggage(_ input: UnsafeRawBufferPointer) {
  let token = Set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
  let octets = Set((0x21...0x7e as ClosedRange<UInt8>).filter { !"\",;\\".utf8.contains($0) })
  func isPair(_ part: [UInt8], needsValue: Bool) -> Bool {
    let sides = part.split(separator: 0x3d, maxSplits: 1, omittingEmptySubsequences: false).map(\.trimmed)
    guard let key = sides.first, !key.isEmpty, key.allSatisfy(token.contains), sides.count == 2 || !needsValue else { return false }
    return sides.count == 1 || sides[1].allSatisfy(octets.contains)
  }
  let members = input.split(separator: 0x2c).map(\.trimmed).filter { member in
    let parts = member.split(separator: 0x3b, omittingEmptySubsequences: false).map(\.trimmed)
    return isPair(parts[0], needsValue: true) && parts.dropFirst().allSatisfy { isPair($0, needsValue: false) }
  }
  var expected: [UInt8] = []
  for (index, member) in members.enumerated() {
    let more = (index == 0 ? [] : [0x2c]) + member
    guard index < 64, expected.count + more.count <= Baggage.capacity else { break }
    expected += more
  }
  func added(_ text: Text) -> [UInt8] {
    written(Baggage.capacity) { target in
      var count = 0
      Baggage.add(text, to: target, count: &count)
      return count
    }
  }
  let found = added(Text(input))
  checkEqual(found, expected, "what is passed on")
  checkEqual(withCopy(found) { text in added(text) }, found, "what the next one passes on")
}

/// Entries of the environment in Jaeger's form and OpenTracing's, on top of W3C's: each format sends what was read, and a reader of it finds the same.
func baggageHeader(_ input: UnsafeRawBufferPointer) {
  var pieces = Pieces(input)
  let field = pieces.take(to: 0)
  var entries: [[UInt8]] = []
  while entries.count < 8, case let entry = pieces.take(to: 0), !entry.isEmpty { entries.append(entry) }
  for header in [BaggageHeader.jaeger, .ottrace] {
    let members = written(Baggage.capacity) { target in
      var count = 0
      withCopy(field) { Baggage.add($0, to: target, count: &count) }
      for entry in entries { withCopy(entry) { header.read($0, into: target, count: &count) } }
      return count
    }
    // What W3C's format has of it is well-formed as a whole.
    let again = written(Baggage.capacity) { target in
      var count = 0
      withCopy(members) { Baggage.add($0, to: target, count: &count) }
      return count
    }
    checkEqual(again, members, "what the next one passes on")
    let lines = withCopy(members) { text in written(BaggageHeader.lineCapacity) { header.write(text, to: $0) } }
    check(lines.isEmpty || lines.last == 0, "a line without an end")
    for line in lines.split(separator: 0) {
      withCopy(Array(line)) { check(BaggageHeader.isOne(header: $0), "a line that is none") }
      check(line.allSatisfy { $0 >= 0x20 && $0 != 0x7f }, "a line that is two")
    }
    check(lines.split(separator: 0).count <= 64, "more lines than members")
  }
}

/// A line of a header list, or an entry of the environment.
func contextField(_ input: UnsafeRawBufferPointer) {
  let line = Array(input)
  let fields = (0..<UInt8(ContextField.count)).compactMap(ContextField.init(rawValue:))
  let name = line.prefix { $0 != 0x3a && $0 != 0x3b }
  let header = name.count == line.count ? nil : fields.first { $0.name.array.lowercased == name.lowercased }
  checkEqual(ContextField.named(header: Text(input)), header, "the header")
  let variable = line.prefix { $0 != 0x3d }
  func normalised(_ name: [UInt8]) -> [UInt8] { name.map { (0x61...0x7a).contains($0) ? $0 - 32 : $0 == 0x2d ? 0x5f : $0 } }
  let entry = variable.count == line.count ? nil : fields.first { normalised($0.name.array) == Array(variable) }
  checkEqual(ContextField.named(environment: Text(input)), entry, "the variable")
}
