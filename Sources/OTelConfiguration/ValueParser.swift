public import OTelPrimitives

/// Reads values of environment variables as the specification's "Parsing" rules say
/// (configuration/common.md, configuration/sdk-environment-variables.md). Space around a value is no part of it.
///
/// Nothing here allocates, traps or fails loudly: nil says that the text is not such a value, and the caller keeps its default.
public enum ValueParser {
  /// "true" and "false" in any case, nothing else.
  public static func boolean(_ text: Text) -> Bool? {
    let word = text.trimmed
    if word.equalsIgnoringCase("true") { return true }
    if word.equalsIgnoringCase("false") { return false }
    return nil
  }

  /// Decimal digits with a value in `[least, most]`.
  public static func integer(_ text: Text, least: UInt64 = 0, most: UInt64 = 0x7fff_ffff) -> UInt64? {
    let digits = text.trimmed
    guard digits.count > 0, digits.count <= 18 else { return nil }
    var value: UInt64 = 0
    var index = 0
    while index < digits.count {
      let digit = digits.start[index] &- 0x30
      guard digit < 10 else { return nil }
      value = value &* 10 &+ UInt64(digit)
      index &+= 1
    }
    return value >= least && value <= most ? value : nil
  }

  /// A decimal number in [0, 1], as `numerator / 10^digits` rounded to 2^-56: the probability in units of 2^-56.
  /// Written out because `Double(_: String)` allocates. At most 17 decimals count; an exponent (`1e-3`) is understood.
  public static func probability(_ text: Text) -> UInt64? {
    let word = text.trimmed
    var index = 0
    var mantissa: UInt64 = 0
    var scale = 0
    var digits = 0
    var isFraction = false
    if word[0] == 0x2b { index = 1 }
    while index < word.count {
      let byte = word.start[index]
      if byte == 0x2e {
        guard !isFraction else { return nil }
        isFraction = true
      } else if byte &- 0x30 < 10 {
        digits &+= 1
        if mantissa < 10_000_000_000_000_000 {
          mantissa = mantissa &* 10 &+ UInt64(byte &- 0x30)
          if isFraction { scale &+= 1 }
        } else if !isFraction {
          return nil
        }
      } else {
        break
      }
      index &+= 1
    }
    guard digits > 0 else { return nil }
    if index < word.count {
      guard word.start[index] | 0x20 == 0x65 else { return nil }
      index &+= 1
      let isNegative = word[index] == 0x2d
      if isNegative || word[index] == 0x2b { index &+= 1 }
      guard word[index] > 0x20, let exponent = integer(word.from(index), most: 400) else { return nil }
      let amount = Int(truncatingIfNeeded: exponent)
      scale = isNegative ? scale &+ amount : scale &- amount
    }
    guard mantissa != 0 else { return 0 }
    while scale < 0 {
      guard mantissa < 1_000_000_000_000_000_000 else { return nil }
      mantissa = mantissa &* 10
      scale &+= 1
    }
    var divisor: UInt64 = 1
    while scale > 0 {
      if divisor >= 100_000_000_000_000_000 { mantissa = mantissa / 10 } else { divisor = divisor &* 10 }
      scale &-= 1
    }
    guard mantissa <= divisor, divisor != 0 else { return nil }
    // mantissa * 2^56 / divisor, both below 2^57.
    let wide = mantissa.multipliedFullWidth(by: 1 << 56)
    guard wide.high < divisor else { return 1 << 56 }
    return divide(wide.high, wide.low, by: divisor)
  }

  /// 128 by 64 bits, bit by bit: once per process, and without the trap of `dividingFullWidth`. `high` is below `divisor`.
  private static func divide(_ high: UInt64, _ low: UInt64, by divisor: UInt64) -> UInt64 {
    var remainder = high
    var quotient: UInt64 = 0
    var bit = 0
    while bit < 64 {
      remainder = remainder &<< 1 | (low &>> UInt64(truncatingIfNeeded: 63 &- bit)) & 1
      quotient = quotient &<< 1
      if remainder >= divisor {
        remainder = remainder &- divisor
        quotient |= 1
      }
      bit &+= 1
    }
    return quotient
  }
}
