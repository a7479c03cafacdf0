/// Decimal digits without a locale.
public enum Decimal {
  /// Writes `value` at `target` (at most 20 bytes) and returns how many.
  public static func write(_ value: UInt64, to target: UnsafeMutablePointer<UInt8>) -> Int {
    var count = 1
    var rest = value / 10
    while rest != 0 {
      count &+= 1
      rest = rest / 10
    }
    var index = count
    rest = value
    while index > 0 {
      index &-= 1
      target[index] = 0x30 &+ UInt8(truncatingIfNeeded: rest % 10)
      rest = rest / 10
    }
    return count
  }
}
