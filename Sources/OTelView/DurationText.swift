/// Times for people: three digits, and the unit that fits.
package enum DurationText {
  package static func text(_ nanoseconds: UInt64, isUnicode: Bool) -> String {
    if nanoseconds < 1000 { return "\(nanoseconds) ns" }
    if nanoseconds < 999_500 { return digits(nanoseconds, unit: 1000) + (isUnicode ? " µs" : " us") }
    if nanoseconds < 999_500_000 { return digits(nanoseconds, unit: 1_000_000) + " ms" }
    let seconds = (nanoseconds + 500_000_000) / 1_000_000_000
    if nanoseconds < 99_950_000_000 { return digits(nanoseconds, unit: 1_000_000_000) + " s" }
    if seconds < 7200 { return "\(seconds / 60) min \(seconds % 60) s" }
    return "\(seconds / 3600) h \(seconds % 3600 / 60) min"
  }

  /// "1.23", "12.3" or "123".
  private static func digits(_ value: UInt64, unit: UInt64) -> String {
    let decimals: UInt64 = value < unit * 9995 / 1000 ? 100 : (value < unit * 9995 / 100 ? 10 : 1)
    let scaled = (value * decimals + unit / 2) / unit
    guard decimals > 1 else { return String(scaled) }
    let fraction = String(scaled % decimals)
    let places = decimals == 100 ? 2 : 1
    return "\(scaled / decimals)." + String(repeating: "0", count: places - fraction.count) + fraction
  }
}
