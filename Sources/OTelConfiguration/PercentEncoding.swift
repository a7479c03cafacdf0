public import OTelPrimitives

/// Percent-encoding as in RFC 3986 §2.1. `+` stands for itself.
public enum PercentEncoding {
  /// Whether two hexadecimal digits follow every `%`. Never allocates, never traps.
  public static func isValid(_ text: Text) -> Bool {
    var bytes = DecodedBytes(text)
    while bytes.next() != nil {}
    return !bytes.isMalformed
  }

  /// The decoded bytes of a text; nil after a bad escape. Outside of hosts: this allocates.
  package static func decoded(_ text: Text) -> [UInt8]? {
    var bytes = DecodedBytes(text)
    var decoded: [UInt8] = []
    decoded.reserveCapacity(text.count)
    while let byte = bytes.next() { decoded.append(byte) }
    return bytes.isMalformed ? nil : decoded
  }

  /// The decoded bytes of a text, one by one. After a bad escape there are no more, and `isMalformed` says so.
  public struct DecodedBytes {
    private let text: Text
    private var index = 0
    public private(set) var isMalformed = false

    public init(_ text: Text) { self.text = text }

    @inline(never)
    public mutating func next() -> UInt8? {
      guard !isMalformed, index < text.count else { return nil }
      let byte = text[index]
      index &+= 1
      guard byte == 0x25 else { return byte }
      guard let high = PercentEncoding.digit(text[index]), let low = PercentEncoding.digit(text[index &+ 1]) else {
        isMalformed = true
        return nil
      }
      index &+= 2
      return high &<< 4 | low
    }
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    if byte &- 0x30 < 10 { return byte &- 0x30 }
    let letter = byte | 0x20
    return letter &- 0x61 < 6 ? letter &- 0x61 &+ 10 : nil
  }
}
