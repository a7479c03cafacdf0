public import OTelPrimitives

/// The parts of an HTTP URL that the semantic conventions ask for. Borrows the URL's bytes.
///
/// Not a validator: libcurl is, and what it refuses fails in libcurl. Total: any bytes give some parts. Complexity: linear.
/// Source: https://www.rfc-editor.org/rfc/rfc3986#section-3
public struct RequestURL {
  /// The whole text, as the program gave it.
  public let text: Text
  public let isSecure: Bool
  /// Index of the authority; 0 when the text has no scheme.
  let authority: Int
  /// Index behind the userinfo and its "@"; equal to `authority` when there is none.
  let host: Int
  /// Index of the first byte behind the authority.
  let path: Int
  /// Without brackets.
  public let serverAddress: Text
  public let serverPort: Int

  public var hasScheme: Bool { authority != 0 }

  /// Nil when the scheme is another one than http and https.
  public init?(_ text: Text) {
    self.text = text
    var scheme = 0
    while scheme < text.count, RequestURL.isSchemeByte(text[scheme]) { scheme &+= 1 }
    if scheme > 0, text[scheme] == 0x3a, text[scheme &+ 1] == 0x2f, text[scheme &+ 2] == 0x2f {
      let name = text.slice(0, scheme)
      isSecure = name.equalsIgnoringCase("https")
      guard isSecure || name.equalsIgnoringCase("http") else { return nil }
      authority = scheme &+ 3
    } else {
      // libcurl guesses by the host's name (CURLOPT_URL(3)); what is no HTTP then is not ours.
      guard !RequestURL.isGuessedOtherwise(text) else { return nil }
      isSecure = false
      authority = 0
    }
    var end = authority
    var lastAt = -1
    while end < text.count {
      let byte = text[end]
      if byte == 0x2f || byte == 0x3f || byte == 0x23 || byte == 0x5c { break }
      if byte == 0x40 { lastAt = end }
      end &+= 1
    }
    path = end
    host = lastAt >= 0 ? lastAt &+ 1 : authority
    var hostEnd = end
    var first = host
    if text[host] == 0x5b, let bracket = text.firstIndex(of: 0x5d, from: host), bracket < end {
      first = host &+ 1
      hostEnd = bracket
    } else if let colon = text.firstIndex(of: 0x3a, from: host), colon < end {
      hostEnd = colon
    }
    serverAddress = text.slice(first, hostEnd)
    var port = 0
    var index = text[hostEnd] == 0x5d ? hostEnd &+ 1 : hostEnd
    if index < end, text[index] == 0x3a {
      index &+= 1
      while index < end, text[index] &- 0x30 < 10, port <= 65535 {
        port = port &* 10 &+ Int(text[index] &- 0x30)
        index &+= 1
      }
    }
    serverPort = port > 0 && port <= 65535 ? port : (isSecure ? 443 : 80)
  }

  private static func isSchemeByte(_ byte: UInt8) -> Bool {
    (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 || byte == 0x2b || byte == 0x2d || byte == 0x2e
  }

  private static func isGuessedOtherwise(_ text: Text) -> Bool {
    text.slice(0, 4).equalsIgnoringCase("ftp.") || text.slice(0, 5).equalsIgnoringCase("dict.")
      || text.slice(0, 5).equalsIgnoringCase("ldap.") || text.slice(0, 5).equalsIgnoringCase("imap.")
      || text.slice(0, 5).equalsIgnoringCase("smtp.") || text.slice(0, 5).equalsIgnoringCase("pop3.")
  }
}
