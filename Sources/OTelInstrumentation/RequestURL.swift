public import OTelPrimitives

/// The parts of an HTTP URL that the semantic conventions ask for. Borrows the URL's bytes.
///
/// Not a validator: libcurl is, and what it refuses fails in libcurl. Total: any bytes give some parts. Complexity: linear.
/// Source: https://www.rfc-editor.org/rfc/rfc3986#section-3
public struct RequestURL {
  /// The whole text, as the program gave it.
  public let text: Text
  public let isSecure: Bool
  public let hasScheme: Bool
  /// Index behind leading blanks, which no URL has.
  let first: Int
  /// Index of the authority.
  let authority: Int
  /// Index behind the userinfo and its "@"; equal to `authority` when there is none.
  let host: Int
  /// Index of `serverAddress`: behind `host` by the bracket of an IPv6 literal.
  let address: Int
  /// Index of the first byte behind the authority.
  let path: Int
  /// Without brackets.
  public let serverAddress: Text
  public let serverPort: Int

  /// Whether `text` begins with a scheme.
  public static func hasScheme(_ text: Text) -> Bool { scheme(of: text).isOne }

  /// The bytes in front that could be a scheme, and whether they are one.
  private static func scheme(of text: Text) -> (first: Int, end: Int, isOne: Bool) {
    // libcurl refuses what begins with a space. It must be told from a scheme nevertheless, or its userinfo would be a path.
    var end = 0
    while end < text.count, text[end] <= 0x20 { end &+= 1 }
    let first = end
    while end < text.count, isSchemeByte(text[end]) { end &+= 1 }
    // One slash makes a scheme, two or three are as good (libcurl's urlapi.c); more are refused, and no part of a path either.
    return (first, end, end > first && text[end] == 0x3a && text[end &+ 1] == 0x2f)
  }

  /// Nil when the scheme is another one than http and https, or ws and wss, which begin with an HTTP request.
  public init?(_ text: Text) {
    self.text = text
    let scheme = Self.scheme(of: text)
    first = scheme.first
    hasScheme = scheme.isOne
    var start = scheme.end
    if hasScheme {
      let name = text.slice(first, start)
      isSecure = name.equalsIgnoringCase("https") || name.equalsIgnoringCase("wss")
      guard isSecure || name.equalsIgnoringCase("http") || name.equalsIgnoringCase("ws") else { return nil }
      start &+= 1
    } else {
      isSecure = false
      start = first
    }
    while start < text.count, text[start] == 0x2f { start &+= 1 }
    authority = start
    // Not at a backslash: for libcurl it is a byte as any other, and may be in a password.
    var end = start
    var lastAt = -1
    while end < text.count, text[end] != 0x2f, text[end] != 0x3f, text[end] != 0x23 {
      if text[end] == 0x40 { lastAt = end }
      end &+= 1
    }
    path = end
    host = lastAt >= 0 ? lastAt &+ 1 : start
    var hostEnd = end
    var isBracketed = false
    if text[host] == 0x5b, let bracket = text.firstIndex(of: 0x5d, from: host), bracket < end {
      isBracketed = true
      hostEnd = bracket
    } else if let colon = text.firstIndex(of: 0x3a, from: host), colon < end {
      hostEnd = colon
    }
    address = isBracketed ? host &+ 1 : host
    serverAddress = text.slice(address, hostEnd)
    serverPort = RequestURL.port(text.slice(isBracketed ? hostEnd &+ 1 : hostEnd, end)) ?? (isSecure ? 443 : 80)
    // libcurl guesses a missing scheme by the host's name (CURLOPT_URL(3)); what is no HTTP then is not ours.
    guard hasScheme || !RequestURL.isGuessedOtherwise(serverAddress) else { return nil }
  }

  /// The number in ":number"; nil when there is none between 1 and 65535.
  private static func port(_ text: Text) -> Int? {
    guard text[0] == 0x3a, text.count > 1 else { return nil }
    var port = 0
    var index = 1
    while index < text.count {
      let digit = text[index] &- 0x30
      guard digit < 10 else { return nil }
      port = port &* 10 &+ Int(digit)
      guard port <= 65535 else { return nil }
      index &+= 1
    }
    return port > 0 ? port : nil
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
