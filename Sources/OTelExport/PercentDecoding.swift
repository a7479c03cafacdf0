package import OTelPrimitives

/// Percent-decodes `text` (RFC 3986, section 2.1); `+` stays a plus sign. Nil when a `%` is not followed by two hexadecimal digits.
package func percentDecoded(_ text: Text) -> [UInt8]? {
  func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
  }
  var decoded: [UInt8] = []
  decoded.reserveCapacity(text.count)
  var index = 0
  while index < text.count {
    if text[index] == 0x25 {
      guard index + 2 < text.count, let high = digit(text[index + 1]), let low = digit(text[index + 2]) else { return nil }
      decoded.append(high << 4 | low)
      index += 3
    } else {
      decoded.append(text[index])
      index += 1
    }
  }
  return decoded
}

extension String {
  /// The text, with U+FFFD for what is not UTF-8.
  package init(repairing text: Text) {
    self = String(decoding: UnsafeBufferPointer(start: text.start, count: text.count), as: UTF8.self)
  }
}
