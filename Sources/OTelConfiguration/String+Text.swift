package import OTelPrimitives

// For messages and help, outside of hosts: these allocate.

extension String {
  /// A copy of the bytes; what is not UTF-8 becomes U+FFFD.
  package init(_ text: Text) {
    self = String(decoding: UnsafeBufferPointer(start: text.start, count: text.count), as: UTF8.self)
  }

  package init(_ literal: StaticString) { self.init(Text(literal)) }

  /// `text` between quotation marks and fit for a terminal and a log: one line, control characters as `\xNN`, cut at 80 bytes. Those above
  /// U+007F are control characters too: U+009B is as good as "ESC [".
  package init(quoting text: Text) {
    var bytes: [UInt8] = [0x22]
    let shown = text.count > 80 ? 77 : text.count
    for index in 0..<shown {
      let byte = text[index]
      if byte < 0x20 || byte == 0x7f || isControl(text, index) {
        let digits = Text("0123456789abcdef")
        bytes += [0x5c, 0x78, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      } else {
        bytes.append(byte)
      }
    }
    self = String(decoding: bytes, as: UTF8.self) + (shown < text.count ? "...\"" : "\"")
  }
}

/// Whether the byte at `index` begins a control character of two bytes (U+0080 to U+009F), or one of three that ends a line (U+2028, U+2029).
/// Escaped, it leaves bytes behind that are no character of their own.
private func isControl(_ text: Text, _ index: Int) -> Bool {
  switch text[index] {
  case 0xc2: text[index + 1] & 0xe0 == 0x80
  case 0xe2: text[index + 1] == 0x80 && text[index + 2] | 1 == 0xa9
  default: false
  }
}
