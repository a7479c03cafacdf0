import OTelPrimitives

/// Whether a name is an address, which no name server is asked for: as getaddrinfo(3) reads it, which knows "127.1" and "0x7f000001" too
/// (inet_aton(3)).
enum NumericHost {
  static func isAddress(_ name: Text) -> Bool {
    // No host's name has a colon.
    if name.firstIndex(of: 0x3a) != nil { return true }
    var index = 0
    var parts = 1
    while true {
      guard let value = number(name, &index) else { return false }
      // The last part is all that is left of 32 bits, the others are a byte each.
      if index == name.count { return value <= 0xffff_ffff &>> (8 &* (UInt64(parts) &- 1)) }
      guard name[index] == 0x2e, value <= 0xff, parts < 4 else { return false }
      parts &+= 1
      index &+= 1
    }
  }

  /// A number as C writes it: 0x before hexadecimal digits, 0 before octal ones. Nil: there is none, or one above 32 bits.
  private static func number(_ name: Text, _ index: inout Int) -> UInt64? {
    guard name[index] &- 0x30 < 10 else { return nil }
    var base: UInt64 = 10
    if name[index] == 0x30 {
      let isHexadecimal = Text.lowercased(name[index &+ 1]) == 0x78 && digit(name[index &+ 2]) < 16
      base = isHexadecimal ? 16 : 8
      if isHexadecimal { index &+= 2 }
    }
    var value: UInt64 = 0
    while true {
      let next = digit(name[index])
      guard next < base else { return value }
      value = value &* base &+ next
      guard value <= 0xffff_ffff else { return nil }
      index &+= 1
    }
  }

  private static func digit(_ byte: UInt8) -> UInt64 {
    let letter = Text.lowercased(byte) &- 0x61
    return byte &- 0x30 < 10 ? UInt64(byte &- 0x30) : letter < 6 ? UInt64(letter) &+ 10 : 16
  }
}
