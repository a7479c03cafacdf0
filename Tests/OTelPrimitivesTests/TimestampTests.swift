import Glibc
import OTelPrimitives
import Testing

@Suite struct TimestampTests {
  private func written(_ time: UInt64, digits: Int) -> String {
    var bytes = [UInt8](repeating: 0x21, count: 40)
    let count = bytes.withUnsafeMutableBufferPointer { Timestamp.write(time, digits: digits, to: $0.baseAddress!) }
    #expect(count <= Timestamp.capacity && bytes[count...].allSatisfy { $0 == 0x21 })
    return String(decoding: bytes[..<count], as: UTF8.self)
  }

  @Test(arguments: [
    (0, "1970-01-01T00:00:00.000000Z"), (1_795_346_434_989_432_999, "2026-11-22T11:20:34.989432Z"), (951_782_400_000_000_000, "2000-02-29T00:00:00.000000Z"),
    (4_107_542_399_999_999_999, "2100-02-28T23:59:59.999999Z"), (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000000Z"),
    (.max, "2554-07-21T23:34:33.709551Z"),
  ] as [(UInt64, String)])
  func microseconds(_ time: UInt64, _ expected: String) { #expect(written(time, digits: 6) == expected) }

  @Test func milliseconds() { #expect(written(1_795_346_434_989_932_999, digits: 3) == "2026-11-22T11:20:34.989Z") }

  /// The C library's calendar, from another code.
  @Test func everyDayOfFourCenturies() {
    for day in stride(from: 0, to: 146_097 as UInt64, by: 1) {
      var seconds = time_t(day * 86_400 + 45_296)
      var parts = tm()
      gmtime_r(&seconds, &parts)
      func padded(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
      let expected = "\(parts.tm_year + 1900)-\(padded(parts.tm_mon + 1))-\(padded(parts.tm_mday))T12:34:56.000Z"
      #expect(written(UInt64(seconds) * 1_000_000_000, digits: 3) == expected)
    }
  }
}
