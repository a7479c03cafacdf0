import COTelShims
public import OTelPrimitives

/// Baggage in the form of the `baggage` field, carried as it came: nobody in the process reads it. Source: https://www.w3.org/TR/baggage/#baggage-http-header-format
public enum Baggage {
  /// What has to be carried whole: "64 list-members" and "8192 bytes" (section 3.3.2).
  public static let capacity = 8192
  private static let members = 64

  /// Copies the members of `text` that are well-formed, properties and all, behind the `count` bytes of baggage at `target`, with a comma between
  /// them. What is malformed is left out and the others are kept; from the first member on that would be too much, all are left out, none is cut.
  /// - Parameter target: room for `capacity` bytes.
  public static func add(_ text: Text, to target: UnsafeMutablePointer<UInt8>, count: inout Int) {
    var taken = memberCount(Text(target, count: count))
    var items = ListItems(text)
    while let member = items.next() {
      guard isMember(member) else { continue }
      let separator = count == 0 ? 0 : 1
      guard taken < members, count &+ separator &+ member.count <= capacity else { break }
      if separator != 0 { target[count] = 0x2c }
      memcpy(target + (count &+ separator), member.start, member.count)
      count = count &+ separator &+ member.count
      taken &+= 1
    }
  }

  /// Sets `key` to `value` in the `count` bytes of baggage at `target`: its last member, in place of one that is there. Left out when it would
  /// be too much.
  /// - Parameters:
  ///   - isEncoded: `value` is percent-encoded where it has to be; what is not allowed in it is encoded all the same.
  ///   - target: room for `capacity` bytes.
  @inline(never)
  public static func set(_ key: Text, _ value: Text, isEncoded: Bool, in target: UnsafeMutablePointer<UInt8>, count: inout Int) {
    guard isToken(key) else { return }
    remove(key, from: target, count: &count)
    let (separator, value) = (count == 0 ? 0 : 1, value.trimmed)
    var size = separator &+ key.count &+ 1
    var index = 0
    while index < value.count {
      size &+= isSent(value[index], isEncoded) ? 1 : 3
      index &+= 1
    }
    guard size <= capacity &- count, memberCount(Text(target, count: count)) < members else { return }
    if separator != 0 { target[count] = 0x2c }
    var next = target + (count &+ separator)
    memcpy(next, key.start, key.count)
    next[key.count] = 0x3d
    next += key.count &+ 1
    index = 0
    while index < value.count {
      let byte = value[index]
      if isSent(byte, isEncoded) {
        next[0] = byte
        next += 1
      } else {
        next[0] = 0x25
        next[1] = digit(byte &>> 4)
        next[2] = digit(byte & 15)
        next += 3
      }
      index &+= 1
    }
    count = next - target
  }

  /// Calls `body` with the key and the value of each member, without space around them and without properties.
  @inline(__always)
  static func forEachMember(of text: Text, _ body: (Text, Text) -> Void) {
    var items = ListItems(text)
    while let member = items.next() {
      let pair = member.slice(0, member.firstIndex(of: 0x3b) ?? member.count)
      guard let equals = pair.firstIndex(of: 0x3d) else { continue }
      body(pair.slice(0, equals).trimmed, pair.from(equals &+ 1).trimmed)
    }
  }

  private static func memberCount(_ text: Text) -> Int {
    var count = 0
    forEachMember(of: text) { _, _ in count &+= 1 }
    return count
  }

  private static func remove(_ key: Text, from target: UnsafeMutablePointer<UInt8>, count: inout Int) {
    // Each member moves to the left, if anywhere: those behind it are as they were.
    var (items, kept) = (ListItems(Text(target, count: count)), 0)
    while let member = items.next() {
      if member.slice(0, member.firstIndex(of: 0x3d) ?? 0).trimmed.equals(key) { continue }
      if kept != 0 {
        target[kept] = 0x2c
        kept &+= 1
      }
      memmove(target + kept, member.start, member.count)
      kept &+= member.count
    }
    count = kept
  }

  /// Whether a byte of a value goes as it is.
  private static func isSent(_ byte: UInt8, _ isEncoded: Bool) -> Bool { isOctet(byte) && (isEncoded || byte != 0x25) }

  private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 &+ value : 0x37 &+ value }

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
  static func isToken(_ text: Text) -> Bool {
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
      guard isOctet(text[index]) else { return false }
      index &+= 1
    }
    return true
  }

  private static func isOctet(_ byte: UInt8) -> Bool {
    byte > 0x20 && byte < 0x7f && byte != 0x22 && byte != 0x2c && byte != 0x3b && byte != 0x5c
  }
}
