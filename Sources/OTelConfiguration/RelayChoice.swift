public import OTelPrimitives

/// OTEL_NATIVE_RELAY: which relay a process uses, and whether it may start one.
public enum RelayChoice {
  case automatic
  /// The relay that listens at this absolute path, which the text of the variable holds.
  case path(Text)
  case external
  case start
  case off

  /// nil: not a value of the variable. Words in any case, as of every enumeration; a path as it is. Never allocates.
  public init?(_ value: Text) {
    let word = value.trimmed
    if word.equalsIgnoringCase("auto") {
      self = .automatic
    } else if word.equalsIgnoringCase("external") {
      self = .external
    } else if word.equalsIgnoringCase("start") {
      self = .start
    } else if word.equalsIgnoringCase("off") {
      self = .off
    } else if word.hasPrefix("unix:/"), word.count &- 5 <= RelayChoice.longestPath {
      self = .path(word.from(5))
    } else {
      return nil
    }
  }

  /// sun_path without its NUL (unix(7)).
  private static var longestPath: Int { 107 }
}
