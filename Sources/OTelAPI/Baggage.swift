import COTelShims
public import OTelPrimitives

/// The `baggage` field, carried as it came: nobody in the process reads it. Source: https://www.w3.org/TR/baggage/#baggage-http-header-format
public enum Baggage {
  /// What has to be carried whole: "64 list-members" and "8192 bytes" (section 3.3.2).
  public static let capacity = 8192
  private static let members = 64

  /// Copies the members of `text` that are well-formed, properties and all, with a comma between them; returns how many bytes that are. What
  /// is malformed is left out and the others are kept; from the first member on that would be too much, all are left out, none is cut.
  /// - Parameter target: room for `capacity` bytes.
  public static func copy(_ text: Text, to target: UnsafeMutablePointer<UInt8>) -> Int {
    var (count, taken) = (0, 0)
    var start = 0
    while start < text.count {
      let end = text.firstIndex(of: 0x2c, from: start) ?? text.count
      let member = text.slice(start, end).trimmed
      start = end &+ 1
      guard isMember(member) else { continue }
      let separator = count == 0 ? 0 : 1
      guard taken < members, count &+ separator &+ member.count <= capacity else { break }
      if separator != 0 { target[count] = 0x2c }
      memcpy(target + (count &+ separator), member.start, member.count)
      count = count &+ separator &+ member.count
      taken &+= 1
    }
    return count
  }

  /// `key=value;property;property=value`, with space around each part.
  private static func isMember(_ member: Text) -> Bool {
    var rest = member
    var isFirst = true
    while isFirst || !rest.isEmpty {
      let end = rest.firstIndex(of: 0x3b) ?? rest.count
      let part = rest.slice(0, end).trimmed
      let isLast = end == rest.count
      rest = rest.from(end &+ 1)
      // A semicolon announces a property.
      if !isLast, rest.isEmpty { return false }
      guard let equals = part.firstIndex(of: 0x3d) else {
        if isFirst || !isToken(part) { return false }
        continue
      }
      guard isToken(part.slice(0, equals).trimmed), isValue(part.from(equals &+ 1).trimmed) else { return false }
      isFirst = false
    }
    return true
  }

  /// A token of RFC 9110, 5.6.2.
  private static func isToken(_ text: Text) -> Bool {
    var index = 0
    while index < text.count {
      let byte = text[index]
      let isLetter = byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26
      guard isLetter || Text("!#$%&'*+-.^_`|~").firstIndex(of: byte) != nil else { return false }
      index &+= 1
    }
    return !text.isEmpty
  }

  /// Only `baggage-octet`s; anything else had to be percent-encoded.
  private static func isValue(_ text: Text) -> Bool {
    var index = 0
    while index < text.count {
      let byte = text[index]
      guard byte > 0x20, byte < 0x7f, byte != 0x22, byte != 0x2c, byte != 0x3b, byte != 0x5c else { return false }
      index &+= 1
    }
    return true
  }
}
