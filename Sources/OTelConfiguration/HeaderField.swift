public import OTelPrimitives

/// What may stand in a field of an HTTP request (RFC 9110 §5).
public enum HeaderField {
  /// `token`: what a field's name consists of.
  public static func isName(_ text: Text) -> Bool {
    var index = 0
    while index < text.count {
      guard isTokenByte(text[index]) else { return false }
      index &+= 1
    }
    return !text.isEmpty
  }

  /// Whether a percent-encoded value may be sent: one with a line break would end the field, and begin another.
  public static func isValue(percentEncoded text: Text) -> Bool {
    var bytes = PercentEncoding.DecodedBytes(text)
    while let byte = bytes.next() {
      if byte < 0x20 && byte != 0x09 || byte == 0x7f { return false }
    }
    return !bytes.isMalformed
  }

  private static func isTokenByte(_ byte: UInt8) -> Bool {
    if byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26 { return true }
    return Text("!#$%&'*+-.^_`|~").firstIndex(of: byte) != nil
  }
}
