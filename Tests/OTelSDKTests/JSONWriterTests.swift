import Foundation
import OTelPrimitives
import OTelTestSupport
import Testing

@testable import OTelSDK

@Suite struct JSONWriterTests {
  /// What `body` writes into `capacity` bytes; nil when it did not fit. Nothing behind them may be touched.
  static func written(capacity: Int = 1 << 16, longestValue: Int = .max, _ body: (inout JSONWriter) -> Void) -> String? {
    var bytes = [UInt8](repeating: 0xee, count: capacity + 64)
    let count: Int? = bytes.withUnsafeMutableBufferPointer { buffer in
      var writer = JSONWriter(buffer.baseAddress!, capacity: capacity, longestValue: longestValue)
      body(&writer)
      return writer.isFull ? nil : writer.count
    }
    #expect(bytes[capacity...].allSatisfy { $0 == 0xee })
    return count.map { String(decoding: bytes[..<$0], as: UTF8.self) }
  }

  private func string(_ bytes: some Sequence<UInt8>) -> String? {
    let copy = Array(bytes)
    return withText(copy) { text in Self.written { $0.string(text) } }
  }

  @Test(arguments: [
    // The texts are what Python's json.dumps gives.
    ("", #""""#), ("plain ~ DEL\u{7f}", "\"plain ~ DEL\u{7f}\""), (#"quote" back\ slash/"#, #""quote\" back\\ slash/""#),
    ("\u{8}\t\n\u{c}\r", #""\b\t\n\f\r""#), ("\0\u{1}\u{1b}[2J\u{1f}", #""\u0000\u0001\u001b[2J\u001f""#), ("ä\u{9b}", #""\u00e4\u009b""#),
    ("€\u{2028}", #""\u20ac\u2028""#), ("😀\u{10ffff}", #""\ud83d\ude00\udbff\udfff""#),
  ])
  func escapes(_ text: String, _ expected: String) { #expect(string(text.utf8) == expected) }

  @Test(arguments: [
    ([0x61, 0xff, 0x62], #""a\ufffdb""#), ([0xc3], #""\ufffd""#), ([0xe2, 0x82], #""\ufffd\ufffd""#), ([0xed, 0xa0, 0x80], #""\ufffd\ufffd\ufffd""#),
    ([0xc0, 0xaf], #""\ufffd\ufffd""#), ([0xf4, 0x90, 0x80, 0x80], #""\ufffd\ufffd\ufffd\ufffd""#), ([0xf0, 0x9f, 0x98], #""\ufffd\ufffd\ufffd""#),
  ] as [([UInt8], String)])
  func whatIsNotUTF8(_ bytes: [UInt8], _ expected: String) { #expect(string(bytes) == expected) }

  @Test(arguments: [0, 1, -1, 9, 10, 1_234_567_890, .max, .min] as [Int64])
  func integers(_ value: Int64) { #expect(Self.written { $0.integer(value) } == String(value)) }

  @Test func timestamp() {
    #expect(Self.written { $0.timestamp(1_795_346_434_989_432_999) } == "\"2026-11-22T11:20:34.989432Z\"")
  }

  @Test func hexadecimal() {
    withText([0x00, 0x01, 0x9f, 0xff] as [UInt8]) { text in #expect(Self.written { $0.hexadecimal(text) } == "00019fff") }
  }

  /// Every capacity: either all of it is there, or `isFull` says so.
  @Test func room() throws {
    let whole = try #require(Self.written { Self.everything(&$0) })
    for capacity in 0..<whole.utf8.count + 24 {
      let written = Self.written(capacity: capacity) { Self.everything(&$0) }
      #expect(written == nil || written == whole)
      if capacity < whole.utf8.count { #expect(written == nil) }
    }
    // A number and a time stamp ask for the room of the longest one.
    #expect(Self.written(capacity: whole.utf8.count + 24) { Self.everything(&$0) } == whole)
  }

  private static func everything(_ writer: inout JSONWriter) {
    writer.literal("{")
    withText("a\"\u{1}ä😀") { text in
      writer.string(text)
      writer.value(text)
      writer.hexadecimal(text)
    }
    writer.character(0x22)
    writer.character(0x78)
    writer.timestamp(1)
    writer.integer(.min)
    writer.byte(0x7d)
  }

  @Test(arguments: [
    (0, ""), (1, "a"), (2, #"a"#), (3, #"a\n"#), (8, #"a\n"#), (9, #"a\n\u00e4"#), (20, #"a\n\u00e4"#), (21, #"a\n\u00e4\ud83d\ude00"#), (100, #"a\n\u00e4\ud83d\ude00z"#),
  ])
  func aValueIsCutBetweenCharacters(_ longest: Int, _ expected: String) {
    withText("a\nä😀z") { text in #expect(Self.written(longestValue: longest) { $0.value(text) } == "\"" + expected + "\"") }
  }

  @Test func randomBytesAreOneValidString() throws {
    var random = SeededGenerator(seed: 20_261_122)
    for round in 0..<3000 {
      let bytes = (0..<Int.random(in: 0...80, using: &random)).map { _ in
        round % 2 == 0 ? UInt8.random(in: 0...255, using: &random) : [0x22, 0x5c, 0xc3, 0xa4, 0xf0, 0x9f, 0x98, 0x80, 0x0a, 0x1b].randomElement(using: &random)!
      }
      let json = try #require(string(bytes))
      #expect(json.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x80 })
      let read = try JSONSerialization.jsonObject(with: Data(json.utf8), options: .fragmentsAllowed) as? String
      #expect(read != nil, "seed 20261122, round \(round): \(bytes)")
    }
  }
}
