package import OTelPrimitives

/// The URL of a collector, in parts: absolute, http or https. Only what OTLP needs: RFC 3986 without dot segments or
/// internationalised names. Whether somebody answers there is seen later.
///
/// The parts are borrowed from the text.
package struct EndpointURL {
  /// https.
  package let isSecure: Bool
  /// `[userinfo@]host[:port]`: with a host and, if there is a colon, a port from 1 to 65535.
  package let authority: Text
  /// Empty, or with its first slash.
  package let path: Text
  /// Empty, or with its question mark.
  package let query: Text

  /// nil: not such a URL. A fragment is no part of a request and left out.
  package init?(_ text: Text) {
    for index in 0..<text.count where text[index] <= 0x20 || text[index] >= 0x7f { return nil }
    isSecure = text.slice(0, 8).equalsIgnoringCase("https://")
    guard isSecure || text.slice(0, 7).equalsIgnoringCase("http://") else { return nil }
    let whole = text.slice(isSecure ? 8 : 7, text.firstIndex(of: 0x23) ?? text.count)
    let queryStart = whole.firstIndex(of: 0x3f) ?? whole.count
    let hierarchy = whole.slice(0, queryStart)
    let authorityEnd = hierarchy.firstIndex(of: 0x2f) ?? hierarchy.count
    authority = hierarchy.slice(0, authorityEnd)
    path = hierarchy.from(authorityEnd)
    query = whole.from(queryStart)
    guard EndpointURL.isAuthority(authority) else { return nil }
  }

  /// The authority without user and password, which are not for people's eyes.
  package var host: Text { EndpointURL.host(of: authority) }

  private static func host(of authority: Text) -> Text { authority.from((lastIndex(of: 0x40, in: authority) ?? -1) &+ 1) }

  private static func isAuthority(_ authority: Text) -> Bool {
    let host = host(of: authority)
    var nameStart = 0
    var nameEnd = host.firstIndex(of: 0x3a) ?? host.count
    var portStart = nameEnd
    if host[0] == 0x5b {
      guard let close = host.firstIndex(of: 0x5d) else { return false }
      (nameStart, nameEnd, portStart) = (1, close, close &+ 1)
    }
    guard nameEnd > nameStart else { return false }
    guard portStart < host.count else { return true }
    return host[portStart] == 0x3a && ValueParser.integer(host.from(portStart &+ 1), least: 1, most: 65535) != nil
  }

  /// In quotation marks, without what may be secret: user, password, query.
  package static func redacted(_ text: Text) -> String {
    let visible = text.slice(0, text.firstIndex(of: 0x3f) ?? text.count)
    var start = 0
    if let slashes = visible.firstIndex(of: 0x2f), visible[slashes + 1] == 0x2f { start = slashes + 2 }
    // Of a password with a question mark in it, which nobody has encoded, the query is the rest.
    if lastIndex(of: 0x40, in: text.from(visible.count)) != nil { return append("...", to: String(quoting: visible.slice(0, start))) }
    let query = visible.count < text.count ? "?..." : ""
    guard let at = lastIndex(of: 0x40, in: visible), start < at else { return append(query, to: String(quoting: visible)) }
    let scheme = String(quoting: visible.slice(0, start))
    return append(query, to: scheme.dropLastCharacter + "...@" + String(String(quoting: visible.from(at + 1)).dropFirst()))
  }

  private static func append(_ text: String, to quoted: String) -> String { quoted.dropLastCharacter + text + "\"" }

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
