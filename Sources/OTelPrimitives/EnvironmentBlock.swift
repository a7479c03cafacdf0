/// `NAME=VALUE` entries, each ended by a NUL, one behind the other: a copy of the environment, or the identity in a region.
///
/// A value: tests build one from bytes, nothing calls `getenv`. Any thread. Complexity: look-ups are linear in the block's size.
public struct EnvironmentBlock {
  public let bytes: Text

  @inlinable @inline(__always)
  public init(_ bytes: Text) { self.bytes = bytes }

  /// The value of `name`. An empty value counts as unset: "The SDK MUST interpret an empty value of an environment variable the same
  /// way as when the variable is unset" (specification, configuration/sdk-environment-variables.md).
  /// The first entry with a value wins, so that defaults may be appended.
  public func value(_ name: Text) -> Text? {
    var entries = self.entries
    while let entry = entries.next() {
      guard entry.count > name.count, entry[name.count] == 0x3d, entry.hasPrefix(name) else { continue }
      let value = entry.from(name.count &+ 1)
      if !value.isEmpty { return value }
    }
    return nil
  }

  @inlinable @inline(__always)
  public func value(_ name: StaticString) -> Text? { value(Text(name)) }

  public var entries: Entries { Entries(rest: bytes) }

  /// The entries in order, without their NUL. A last entry without NUL is one too.
  public struct Entries {
    var rest: Text

    public mutating func next() -> Text? {
      while !rest.isEmpty {
        let end = rest.firstIndex(of: 0) ?? rest.count
        let entry = rest.slice(0, end)
        rest = rest.from(end &+ 1)
        if !entry.isEmpty { return entry }
      }
      return nil
    }
  }
}
