/// `host`, `host:port`, `[address]` or `[address]:port`; an IPv6 address may be without brackets where no port follows.
public struct HostAndPort {
  /// Without brackets; borrowed.
  public let host: Text
  /// 0: none was given.
  public let port: Int

  /// Nil for another text. Never allocates, never traps.
  public init?(_ text: Text) {
    var number = Text("")
    var isNumbered = false
    if text[0] == 0x5b, let bracket = text.firstIndex(of: 0x5d) {
      host = text.slice(1, bracket)
      isNumbered = bracket &+ 1 < text.count
      guard !isNumbered || text[bracket &+ 1] == 0x3a else { return nil }
      number = text.from(bracket &+ 2)
    } else if let colon = text.firstIndex(of: 0x3a), text.firstIndex(of: 0x3a, from: colon &+ 1) == nil {
      host = text.slice(0, colon)
      isNumbered = true
      number = text.from(colon &+ 1)
    } else {
      host = text
    }
    guard !host.isEmpty, let port = isNumbered ? Self.port(number) : 0 else { return nil }
    self.port = port
  }

  /// 1 to 65535.
  private static func port(_ digits: Text) -> Int? {
    var number = 0
    var index = 0
    while index < digits.count {
      guard digits[index] &- 0x30 < 10 else { return nil }
      number = number &* 10 &+ Int(digits[index] &- 0x30)
      guard number <= 65535 else { return nil }
      index &+= 1
    }
    return number > 0 ? number : nil
  }
}
