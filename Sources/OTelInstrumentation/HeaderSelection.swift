public import OTelPrimitives

/// Which headers become attributes.
public struct HeaderSelection {
  /// A list that commas separate; case does not count.
  public var names = Text("")
  /// Matched with a whole name, in any case.
  public var patterns: PatternSet

  public init(patterns: PatternSet) { self.patterns = patterns }

  /// Longest name that is looked at: with what stands before it, that of an attribute has at most 127 bytes.
  public static var longestName: Int { 96 }

  /// Whether a pattern matches `name`, which is none of `names`. False for what no header may be called, or is too long.
  public func matches(_ name: Text) -> Bool { Self.isName(name) && patterns.matchesAll(of: name) && !isNamed(name) }

  private func isNamed(_ name: Text) -> Bool {
    var items = ListItems(names)
    while let item = items.next() {
      if item.equalsIgnoringCase(name) { return true }
    }
    return false
  }

  /// Calls `body` with each of `names` that may be a header's, once.
  public func forEachName(_ body: (Text) -> Void) {
    var items = ListItems(names)
    while let item = items.next() {
      var earlier = ListItems(names)
      var first = item
      while let other = earlier.next() {
        if other.equalsIgnoringCase(item) {
          first = other
          break
        }
      }
      if first.start == item.start, Self.isName(item) { body(item) }
    }
  }

  /// `token` (RFC 9110, section 5.6.2) is narrower; what is to be kept out is what would not be text.
  private static func isName(_ text: Text) -> Bool {
    guard !text.isEmpty, text.count <= longestName else { return false }
    var index = 0
    while index < text.count {
      guard text[index] > 0x20, text[index] < 0x7f else { return false }
      index &+= 1
    }
    return true
  }
}
