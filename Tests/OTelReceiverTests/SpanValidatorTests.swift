import OTLPWire
import Testing

@testable import OTelReceiver

@Suite struct SpanValidatorTests {
  private func span(_ change: (inout MessageBuilder) -> Void = { _ in }) -> [UInt8] {
    var builder = MessageBuilder()
    builder.append(field: 1, bytes: [UInt8](repeating: 1, count: 16))
    builder.append(field: 2, bytes: [2, 0, 0, 0, 0, 0, 0, 0])
    builder.append(field: 5, string: "GET")
    builder.append(field: 7, fixed64: 100)
    builder.append(field: 8, fixed64: 200)
    builder.append(field: 9, attribute: "k", "v")
    builder.append(field: 9, attribute: "n", -1)
    change(&builder)
    return builder.bytes
  }

  private func summary(_ bytes: [UInt8]) -> SpanSummary? { bytes.withUnsafeBytes { SpanValidator.summary(of: $0) } }

  @Test func valid() {
    #expect(summary(span()) == SpanSummary(spanID: 2, hasTraceID: true, startTimeUnixNano: 100, endTimeUnixNano: 200))
    #expect(summary(span { $0.append(field: 99, string: "unknown") }) != nil)
    #expect(summary(span { $0.append(field: 13) { link in link.append(field: 1, bytes: [UInt8](repeating: 1, count: 16)) } }) != nil)
  }

  @Test func invalid() {
    #expect(summary([]) == nil)
    #expect(summary(span { $0.append(field: 5, bytes: [0xff]) }) == nil, "name not UTF-8")
    #expect(summary(span { $0.append(field: 5, varint: 1) }) == nil, "name of another type")
    #expect(summary(span { $0.append(field: 1, bytes: [1]) }) == nil, "short trace id")
    #expect(summary(span { $0.append(field: 4, bytes: []) }) == nil, "empty parent")
    #expect(summary(span { $0.append(field: 2, bytes: [UInt8](repeating: 0, count: 8)) }) == nil, "zero span id")
    #expect(summary(span { $0.append(field: 9, bytes: [0x0a, 0x05, 0x61]) }) == nil, "attribute cut")
    #expect(summary(span { $0.append(field: 9) { pair in pair.append(field: 2) { $0.append(field: 1, bytes: [0xc0, 0x80]) } } }) == nil, "overlong value")
    #expect(summary(span { $0.append(field: 15) { $0.append(field: 2, bytes: [0x80]) } }) == nil, "status message")
  }

  @Test("Attributes around the lengths at which they are told apart", arguments: [0, 1, 7, 8, 100, 121, 122, 123, 124, 125, 126, 127, 128, 129, 300])
  func attributeLengths(_ count: Int) {
    let text = String(repeating: "x", count: count)
    for (key, value) in [(text, "v"), ("k", text), (text, text)] {
      #expect(summary(span { $0.append(field: 9, attribute: key, value) }) != nil)
      #expect(summary(span { $0.append(field: 9, attribute: key + "é", value + "é") }) != nil)
      for broken in [[0xff], [0xc3], [0xed, 0xa0, 0x80]] as [[UInt8]] {
        #expect(summary(span { $0.append(field: 9) { pair in pair.append(field: 1, bytes: Array(key.utf8) + broken) } }) == nil)
        let bytes = Array(value.utf8) + broken
        #expect(summary(span { $0.append(field: 9) { pair in pair.append(field: 1, string: key); pair.append(field: 2) { $0.append(field: 1, bytes: bytes) } } }) == nil)
      }
    }
    for value in [0, 1, 127, 128, Int64.max, .min] {
      #expect(summary(span { $0.append(field: 9, attribute: text, value) }) != nil)
    }
  }

  @Test("What only looks like an attribute", arguments: [
    [0x0a, 0x01, 0x6b, 0x12, 0x03, 0x0a, 0x02, 0x76],  // the string's length, one too long
    [0x0a, 0x01, 0x6b, 0x12, 0x03, 0x0a, 0x00, 0x76],  // one too short: a key 0x76 whose value is missing
    [0x0a, 0x02, 0x6b, 0x12, 0x03, 0x0a, 0x01, 0x76],  // the key's
    [0x0a, 0x01, 0x6b, 0x12, 0x04, 0x0a, 0x01, 0x76],  // the value's
    [0x0a, 0x01, 0x6b, 0x12, 0x02, 0x18, 0x80],  // an integer that does not end
    [0x0a, 0x01, 0x6b, 0x12, 0x0c, 0x18, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],  // of eleven bytes
    [0x0a, 0x01, 0x6b, 0x12, 0x0b, 0x18, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02],  // of 65 bits
    [0x0a, 0x01, 0x6b, 0x12, 0x01, 0x1a],  // a boolean's field, as bytes, without any
  ] as [[UInt8]])
  func lookalikes(_ pair: [UInt8]) { #expect(summary(span { $0.append(field: 9, bytes: pair) }) == nil) }

  @Test func nestingIsBounded() {
    var value = MessageBuilder()
    value.append(field: 1, string: "leaf")
    for _ in 0..<200 {
      var array = MessageBuilder()
      array.append(field: 1, bytes: value.bytes)
      var outer = MessageBuilder()
      outer.append(field: 5, bytes: array.bytes)
      value = outer
    }
    let deep = value.bytes
    #expect(summary(span { $0.append(field: 9) { pair in pair.append(field: 2, bytes: deep) } }) == nil)
  }

  @Test("Whatever the bytes, nothing outside of them is read and the answer comes")
  func mutations() {
    let good = span()
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<20_000 {
      var bytes = good
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator)
      }
      bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator))
      _ = summary(bytes)
    }
  }
}
