package import OTelPrimitives

/// The URL of a collector, as far as a check at the start goes; whether somebody answers there is seen later.
package enum EndpointURL {
  /// http or https, a host, and a port from 1 to 65535 if there is one.
  package static func isValid(_ text: Text) -> Bool {
    guard let authority = authority(of: text) else { return false }
    for index in 0..<text.count where text[index] <= 0x20 || text[index] == 0x7f { return false }
    let host = authority.from((lastIndex(of: 0x40, in: authority) ?? -1) + 1)
    var end = host.count
    if let colon = lastIndex(of: 0x3a, in: host), lastIndex(of: 0x5d, in: host) ?? -1 < colon {
      // "http://host:/" has an empty port, which RFC 3986 §3.2.3 allows.
      let port = host.from(colon + 1)
      guard port.isEmpty || ValueParser.integer(port, least: 1, most: 65535) != nil else { return false }
      end = colon
    }
    return end > 0
  }

  /// In quotation marks, without what may be secret: user, password, query.
  package static func redacted(_ text: Text) -> String {
    let visible = text.slice(0, text.firstIndex(of: 0x3f) ?? text.count)
    let query = visible.count < text.count ? "?..." : ""
    guard let at = lastIndex(of: 0x40, in: visible) else { return append(query, to: String(quoting: visible)) }
    var start = 0
    if let slashes = visible.firstIndex(of: 0x2f), visible[slashes + 1] == 0x2f { start = slashes + 2 }
    guard start < at else { return append(query, to: String(quoting: visible)) }
    let scheme = String(quoting: visible.slice(0, start))
    return append(query, to: scheme.dropLastCharacter + "...@" + String(String(quoting: visible.from(at + 1)).dropFirst()))
  }

  private static func append(_ text: String, to quoted: String) -> String { quoted.dropLastCharacter + text + "\"" }

  private static func authority(of text: Text) -> Text? {
    let length = text.slice(0, 7).equalsIgnoringCase("http://") ? 7 : text.slice(0, 8).equalsIgnoringCase("https://") ? 8 : 0
    guard length > 0 else { return nil }
    var end = length
    while end < text.count, text[end] != 0x2f, text[end] != 0x3f, text[end] != 0x23 { end += 1 }
    return end > length ? text.slice(length, end) : nil
  }

  private static func lastIndex(of byte: UInt8, in text: Text) -> Int? {
    var index = text.count - 1
    while index >= 0 {
      if text[index] == byte { return index }
      index -= 1
    }
    return nil
  }
}

extension String {
  fileprivate var dropLastCharacter: String { String(dropLast()) }
}
