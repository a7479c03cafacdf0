import COTelShims

/// A set of bytes, as a bitmap that is being made.
struct PatternClass {
  private let bits: UnsafeMutablePointer<UInt8>

  /// - Parameter bits: 32 bytes, which are cleared.
  init(_ bits: UnsafeMutablePointer<UInt8>) {
    self.bits = bits
    memset(bits, 0, 32)
  }

  private func insert(_ byte: Int) { bits[byte &>> 3 & 31] |= 1 &<< UInt8(truncatingIfNeeded: byte & 7) }
  private func contains(_ byte: Int) -> Bool { bits[byte &>> 3 & 31] & (1 &<< UInt8(truncatingIfNeeded: byte & 7)) != 0 }

  mutating func add(_ first: UInt8, _ last: UInt8) {
    var byte = Int(first)
    while byte <= Int(last) {
      insert(byte)
      byte &+= 1
    }
  }

  /// The class of `\d`, `\w` or `\s`, or, by an upper-case letter, all else.
  mutating func addKind(_ letter: UInt8) {
    let isNegated = letter & 0x20 == 0
    var byte = 0
    while byte < 256 {
      if Self.isOfKind(UInt8(truncatingIfNeeded: byte), letter | 0x20) != isNegated { insert(byte) }
      byte &+= 1
    }
  }

  private static func isOfKind(_ byte: UInt8, _ letter: UInt8) -> Bool {
    switch letter {
    case 0x64: byte &- 0x30 < 10
    case 0x77: PatternRun.isWordByte(byte)
    default: byte == 0x20 || byte &- 0x09 < 5
    }
  }

  /// Each letter in both cases.
  mutating func foldCase() {
    var letter = 0x61
    while letter <= 0x7a {
      if contains(letter) || contains(letter &- 0x20) {
        insert(letter)
        insert(letter &- 0x20)
      }
      letter &+= 1
    }
  }

  mutating func invert() {
    var index = 0
    while index < 32 {
      bits[index] = ~bits[index]
      index &+= 1
    }
  }

  /// Of a hexadecimal digit its value.
  static func digit(_ byte: UInt8) -> UInt8? {
    if byte &- 0x30 < 10 { return byte &- 0x30 }
    let letter = byte | 0x20
    return letter &- 0x61 < 6 ? letter &- 0x57 : nil
  }
}
