import OTelPrimitives

/// An address as libcurl writes and reads it: IPv6 has colons, IPv4 digits and dots alone. What begins with a slash is the path of a Unix
/// socket, whatever follows.
enum IPLiteral {
  static func isOne(_ text: Text) -> Bool {
    guard !text.isEmpty, text[0] != 0x2f else { return false }
    var index = 0
    while index < text.count {
      if text[index] == 0x3a { return true }
      if text[index] &- 0x30 >= 10, text[index] != 0x2e { return false }
      index &+= 1
    }
    return true
  }
}
