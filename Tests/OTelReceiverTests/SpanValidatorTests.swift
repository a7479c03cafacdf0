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

  @Test("UTF-8 is judged as the standard library judges it")
  func utf8() {
    var generator = SystemRandomNumberGenerator()
    let interesting: [UInt8] = [0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff]
    for _ in 0..<100_000 {
      let bytes = (0..<Int.random(in: 0...12, using: &generator)).map { _ in interesting.randomElement(using: &generator)! }
      #expect(bytes.withUnsafeBytes(isValidUTF8) == (String(validating: bytes, as: UTF8.self) != nil), "\(bytes)")
    }
  }
}
