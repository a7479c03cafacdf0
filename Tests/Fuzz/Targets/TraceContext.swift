import OTelAPI
import OTelPrimitives

/// Against the grammar of https://www.w3.org/TR/trace-context-2/#traceparent-header, read from left to right by dashes.
private struct ReferenceTraceParent {
  let trace: [UInt8], span: [UInt8], flags: UInt8

  init?(_ value: [UInt8]) {
    let fields = value.trimmed.split(separator: 0x2d, maxSplits: 4, omittingEmptySubsequences: false).map(Array.init)
    guard fields.count >= 4, fields.prefix(4).map(\.count) == [2, 32, 16, 2] else { return nil }
    guard fields.prefix(4).joined().allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }) else { return nil }
    let version = String(decoding: fields[0], as: UTF8.self)
    guard version != "ff", version != "00" || fields.count == 4 else { return nil }
    (trace, span) = (fields[1], fields[2])
    guard let number = UInt8(String(decoding: fields[3], as: UTF8.self), radix: 16) else { return nil }
    flags = number & 3
    guard trace.contains(where: { $0 != 0x30 }), span.contains(where: { $0 != 0x30 }) else { return nil }
  }

  var text: [UInt8] { Array("00-".utf8) + trace + [0x2d] + span + Array("-0\(flags)".utf8) }
}

func traceParent(_ input: UnsafeRawBufferPointer) {
  let found = TraceParent.parse(Text(input))
  let expected = ReferenceTraceParent(Array(input))
  check((found == nil) == (expected == nil), "\(String(decoding: input, as: UTF8.self)) is \(found == nil ? "refused" : "taken")")
  guard let found, let expected else { return }
  let text = written(TraceParent.length) { target in
    TraceParent.write(found, to: target)
    return TraceParent.length
  }
  checkEqual(text, expected.text, "what is passed on")
}

private func members(_ value: [UInt8]) -> [[UInt8]] { value.split(separator: 0x2c).map(\.trimmed).filter { !$0.isEmpty } }

/// https://www.w3.org/TR/trace-context-2/#tracestate-header
private func isReferenceTraceState(_ value: [UInt8]) -> Bool {
  let members = members(value)
  guard (1...32).contains(members.count) else { return false }
  return members.allSatisfy { member in
    let sides = member.split(separator: 0x3d, omittingEmptySubsequences: false)
    guard sides.count == 2, (1...256).contains(sides[0].count), (1...256).contains(sides[1].count) else { return false }
    let first = Set("abcdefghijklmnopqrstuvwxyz0123456789".utf8)
    return first.contains(sides[0].first!) && sides[0].allSatisfy(first.union("_-*/@".utf8).contains)
      && sides[1].allSatisfy { (0x20...0x7e).contains($0) } && sides[1].last != 0x20
  }
}

func traceState(_ input: UnsafeRawBufferPointer) {
  let isValid = TraceState.isValid(Text(input))
  checkEqual(isValid, isReferenceTraceState(Array(input)) && input.count <= 512, "whether \(String(decoding: input, as: UTF8.self)) is passed on")
  var expected = Array(input)
  if !isReferenceTraceState(expected) {
    expected = []
  } else if input.count > 512 {
    var kept = members(expected)
    while Array(kept.joined(separator: [0x2c])).count > 512 { kept.remove(at: kept.lastIndex { $0.count > 128 } ?? kept.count - 1) }
    expected = Array(kept.joined(separator: [0x2c]))
  }
  checkEqual(written(TraceState.capacity) { TraceState.copy(Text(input), to: $0) }, expected, "what the environment's is cut to")
  // It is passed on as it is, so the next one to read it, who gets the same text, must take it too; and so must one behind another member.
  guard isValid else { return }
  withCopy(Array(input) + [0x20, 0x2c, 0x09]) { check(TraceState.isValid($0) || $0.count > TraceState.capacity, "blank members spoil it") }
}
