import OTelTestSupport
import Testing

@testable import OTelPrimitives

@Suite struct UTF8MeasureTests {
  /// Takes from `bytes` as the recorder does.
  private func taken(_ bytes: [UInt8], characters: UInt32 = .max, capacity: Int = 1 << 14) -> [UInt8] {
    withText(bytes) { text in
      let measured = UTF8Measure.measure(text, characters: characters, bytes: capacity)
      #expect(measured.sourceCount <= bytes.count)
      #expect(measured.encodedCount <= capacity)
      return [UInt8](unsafeUninitializedCapacity: measured.encodedCount + 1) { buffer, count in
        let end = UTF8Measure.repair(text.slice(0, measured.sourceCount), to: UnsafeMutableRawPointer(buffer.baseAddress!))
        count = end - UnsafeMutableRawPointer(buffer.baseAddress!)
        #expect(count == measured.encodedCount)
      }
    }
  }

  // The Unicode Standard, table 3-7, "Well-Formed UTF-8 Byte Sequences": the ends of each range.
  @Test(arguments: [
    [0x00], [0x7f], [0xc2, 0x80], [0xdf, 0xbf], [0xe0, 0xa0, 0x80], [0xe0, 0xbf, 0xbf], [0xe1, 0x80, 0x80], [0xec, 0xbf, 0xbf],
    [0xed, 0x80, 0x80], [0xed, 0x9f, 0xbf], [0xee, 0x80, 0x80], [0xef, 0xbf, 0xbf], [0xf0, 0x90, 0x80, 0x80], [0xf0, 0xbf, 0xbf, 0xbf],
    [0xf1, 0x80, 0x80, 0x80], [0xf3, 0xbf, 0xbf, 0xbf], [0xf4, 0x80, 0x80, 0x80], [0xf4, 0x8f, 0xbf, 0xbf],
  ] as [[UInt8]])
  func wellFormed(_ bytes: [UInt8]) {
    #expect(withText(bytes) { UTF8Measure.sequenceLength($0, 0) } == bytes.count)
    #expect(taken(bytes) == bytes)
  }

  @Test(arguments: [
    [0x80], [0xbf], [0xc0, 0x80], [0xc1, 0xbf], [0xc2], [0xc2, 0x7f], [0xc2, 0xc0], [0xe0, 0x9f, 0xbf], [0xe0, 0xa0], [0xe0, 0xa0, 0x7f],
    [0xe1, 0x80], [0xe1, 0x7f, 0x80], [0xed, 0xa0, 0x80], [0xed, 0xbf, 0xbf], [0xf0, 0x8f, 0xbf, 0xbf], [0xf0, 0x90, 0x80], [0xf0],
    [0xf1, 0x80, 0x80, 0xc0], [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xf8, 0x88, 0x80, 0x80, 0x80], [0xfe], [0xff],
  ] as [[UInt8]])
  func illFormed(_ bytes: [UInt8]) {
    #expect(withText(bytes) { UTF8Measure.sequenceLength($0, 0) } == 0)
    #expect(taken(bytes).starts(with: [0xef, 0xbf, 0xbd]))
    #expect(String(validating: taken(bytes), as: UTF8.self) != nil)
  }

  @Test(arguments: [
    ("abcdefghijk", 3, "abc"), ("abcdefghijk", 11, "abcdefghijk"), ("äöü", 2, "äö"), ("ab€cd", 3, "ab€"), ("😀😀", 1, "😀"),
    ("abcdefgh", 0, ""), ("€", 0, ""), ("", 0, ""), ("", 5, ""), ("12345678ä", 8, "12345678"), ("12345678ä", 9, "12345678ä"),
  ] as [(String, UInt32, String)])
  func limitsCharacters(_ text: String, _ characters: UInt32, _ expected: String) {
    #expect(taken(Array(text.utf8), characters: characters) == Array(expected.utf8))
  }

  @Test func cutsAtTheBoundaryOfACharacter() {
    let text = "1234567ä€😀x"
    for capacity in 0...20 {
      let result = taken(Array(text.utf8), capacity: capacity)
      var expected = ""
      for scalar in text.unicodeScalars {
        guard (expected + String(scalar)).utf8.count <= capacity else { break }
        expected.unicodeScalars.append(scalar)
      }
      #expect(result == Array(expected.utf8))
    }
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func anyBytesBecomeValid(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let interesting: [UInt8] = [0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xdf, 0xe0, 0xe2, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff]
    for _ in 0..<300 {
      let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in interesting.randomElement(using: &generator)! }
      let result = taken(bytes)
      #expect(String(validating: result, as: UTF8.self) != nil)
      #expect((result == bytes) == (String(validating: bytes, as: UTF8.self) != nil))
      let characters = UInt32.random(in: 0...20, using: &generator)
      let cut = taken(bytes, characters: characters, capacity: Int.random(in: 0...50, using: &generator))
      #expect(result.starts(with: cut))
      #expect(String(decoding: cut, as: UTF8.self).unicodeScalars.count <= Int(characters))
    }
  }

  @Test("UTF-8 is judged as the standard library judges it")
  func utf8() {
    var generator = SystemRandomNumberGenerator()
    let interesting: [UInt8] = [0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff]
    for _ in 0..<100_000 {
      let bytes = (0..<Int.random(in: 0...12, using: &generator)).map { _ in interesting.randomElement(using: &generator)! }
      #expect(bytes.withUnsafeBytes { UTF8Measure.isWellFormed(Text($0)) } == (String(validating: bytes, as: UTF8.self) != nil), "\(bytes)")
    }
  }
}
