public import OTelPrimitives

/// Hosts, as a user lists them: `host`, `*.domain` for what is below it, `*` for all; with `!` in front, those that are not meant, which has the last
/// word. A list of such alone means all others. Case does not count; an IPv6 address is written with or without its brackets.
public struct HostList {
  private let list: Text

  /// - Parameter list: borrowed.
  public init(_ list: Text) { self.list = list }

  /// - Parameter host: without brackets, as in `server.address`.
  @inline(never)
  public func contains(_ host: Text) -> Bool {
    var (isListed, names) = (false, false)
    var items = ListItems(list)
    while let item = items.next() {
      let isExclusion = item[0] == 0x21
      let isMatch = Self.matches(isExclusion ? item.from(1).trimmed : item, host)
      if isExclusion, isMatch { return false }
      if !isExclusion {
        names = true
        isListed = isListed || isMatch
      }
    }
    return isListed || !names
  }

  private static func matches(_ item: Text, _ host: Text) -> Bool {
    if item.equals("*") { return true }
    if item[0] == 0x2a, item[1] == 0x2e {
      let domain = item.from(1)
      return host.count > domain.count && host.from(host.count &- domain.count).equalsIgnoringCase(domain)
    }
    let isBracketed = item[0] == 0x5b && item[item.count &- 1] == 0x5d
    return host.equalsIgnoringCase(isBracketed ? item.slice(1, item.count &- 1) : item)
  }
}
