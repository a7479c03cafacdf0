/// The regular expressions of a list that commas separate, without surrounding space; blank ones are left out. The comma of a repetition, as in
/// `{1,3}`, separates nothing. Never allocates, never traps.
public struct PatternItems {
  private var rest: Text

  public init(_ text: Text) { rest = text }

  public mutating func next() -> Text? {
    while !rest.isEmpty {
      var end = 0
      while end < rest.count, rest[end] != 0x2c || isInRepetition(end) { end &+= 1 }
      let item = rest.slice(0, end).trimmed
      rest = rest.from(end &+ 1)
      if !item.isEmpty { return item }
    }
    return nil
  }

  private func isInRepetition(_ comma: Int) -> Bool {
    var first = comma &- 1
    while rest[first] &- 0x30 < 10 { first &-= 1 }
    var last = comma &+ 1
    while rest[last] &- 0x30 < 10 { last &+= 1 }
    return rest[first] == 0x7b && rest[last] == 0x7d
  }
}
