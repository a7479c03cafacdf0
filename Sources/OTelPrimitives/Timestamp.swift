/// Time stamps for people, ISO 8601 in UTC: "2026-11-22T15:04:05.678901Z". No locale, no time zone, no `gmtime`.
public enum Timestamp {
  /// Bytes that `write` needs at most.
  public static var capacity: Int { 27 }

  /// Writes Unix time in nanoseconds, cut to milliseconds (3 `digits`) or microseconds (6), and returns how many bytes that took.
  public static func write(_ unixNanoseconds: UInt64, digits: Int, to target: UnsafeMutablePointer<UInt8>) -> Int {
    let seconds = unixNanoseconds / 1_000_000_000
    let microseconds = unixNanoseconds / 1000 % 1_000_000
    let (year, month, day) = date(days: seconds / 86_400)
    let time = seconds % 86_400
    put(year, 4, to: target)
    target[4] = 0x2d
    put(month, 2, to: target + 5)
    target[7] = 0x2d
    put(day, 2, to: target + 8)
    target[10] = 0x54
    put(time / 3600, 2, to: target + 11)
    target[13] = 0x3a
    put(time / 60 % 60, 2, to: target + 14)
    target[16] = 0x3a
    put(time % 60, 2, to: target + 17)
    target[19] = 0x2e
    let count = digits == 3 ? 3 : 6
    put(count == 3 ? microseconds / 1000 : microseconds, count, to: target + 20)
    target[20 &+ count] = 0x5a
    return 21 &+ count
  }

  /// The civil date of a day since 1970-01-01. Years begin in March, so that the day that some of them have is their last one.
  /// Source: https://howardhinnant.github.io/date_algorithms.html#civil_from_days
  private static func date(days: UInt64) -> (year: UInt64, month: UInt64, day: UInt64) {
    let sinceMarch = days &+ 719_468
    let era = sinceMarch / 146_097
    let dayOfEra = sinceMarch % 146_097
    let yearOfEra = (dayOfEra &- dayOfEra / 1460 &+ dayOfEra / 36_524 &- dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra &- (365 &* yearOfEra &+ yearOfEra / 4 &- yearOfEra / 100)
    let shifted = (5 &* dayOfYear &+ 2) / 153
    let day = dayOfYear &- (153 &* shifted &+ 2) / 5 &+ 1
    let month = shifted < 10 ? shifted &+ 3 : shifted &- 9
    return (yearOfEra &+ era &* 400 &+ (month <= 2 ? 1 : 0), month, day)
  }

  @inline(never)
  private static func put(_ value: UInt64, _ digits: Int, to target: UnsafeMutablePointer<UInt8>) {
    var rest = value
    var index = digits
    while index > 0 {
      index &-= 1
      target[index] = 0x30 &+ UInt8(truncatingIfNeeded: rest % 10)
      rest = rest / 10
    }
  }
}
