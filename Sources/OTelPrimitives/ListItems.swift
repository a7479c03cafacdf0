/// The items of a comma-separated list, without surrounding space; blank ones are left out. Never allocates, never traps.
public struct ListItems {
  private var rest: Text

  public init(_ text: Text) { rest = text }

  @inline(never)
  public mutating func next() -> Text? {
    while !rest.isEmpty {
      let end = rest.firstIndex(of: 0x2c) ?? rest.count
      let item = rest.slice(0, end).trimmed
      rest = rest.from(end &+ 1)
      if !item.isEmpty { return item }
    }
    return nil
  }
}
