import Testing

@testable import OTelView

@Suite struct DurationTextTests {
  @Test(arguments: [
    (0, "0 ns"), (999, "999 ns"), (1000, "1.00 µs"), (9994, "9.99 µs"), (9996, "10.0 µs"), (99_960, "100 µs"), (999_499, "999 µs"), (999_500, "1.00 ms"),
    (12_340_000, "12.3 ms"), (999_499_999, "999 ms"), (999_500_000, "1.00 s"), (61_200_000_000, "61.2 s"), (99_950_000_000, "1 min 40 s"),
    (7_199_000_000_000, "119 min 59 s"), (7_200_000_000_000, "2 h 0 min"),
  ])
  func threeDigits(_ nanoseconds: UInt64, _ text: String) {
    #expect(DurationText.text(nanoseconds, isUnicode: true) == text)
  }

  @Test func microsecondsInASCII() { #expect(DurationText.text(1500, isUnicode: false) == "1.50 us") }
}
