/// The time of a run as columns.
struct TimeAxis {
  /// Unix time in nanoseconds.
  let start: UInt64
  let end: UInt64
  let columns: Int
  let isUnicode: Bool

  /// The bar of a span: cells that it takes, between spaces. Something for the shortest, too.
  func bar(from: UInt64, to: UInt64) -> String {
    // In half cells where there are characters for them.
    let steps = isUnicode ? columns * 2 : columns
    let first = min(step(from, steps), steps - 1)
    let last = max(first + 1, min(steps, rounded(to, steps)))
    return (0..<columns).map { mark($0, first, last) }.joined()
  }

  private func mark(_ cell: Int, _ first: Int, _ last: Int) -> String {
    guard isUnicode else { return cell >= first && cell < last ? "=" : " " }
    let left = cell * 2 >= first && cell * 2 < last
    let right = cell * 2 + 1 >= first && cell * 2 + 1 < last
    switch (left, right) {
    case (true, true): return "█"
    case (true, false): return "▌"
    case (false, true): return "▐"
    case (false, false): return " "
    }
  }

  private func fraction(_ time: UInt64) -> Double {
    guard end > start else { return 0 }
    return Double(min(max(time, start), end) - start) / Double(end - start)
  }

  private func step(_ time: UInt64, _ steps: Int) -> Int { Int(fraction(time) * Double(steps)) }
  private func rounded(_ time: UInt64, _ steps: Int) -> Int { Int((fraction(time) * Double(steps)).rounded()) }

  /// `0` at the left, the whole time at the right.
  var scale: String {
    let total = DurationText.text(end - start, isUnicode: isUnicode)
    return "0" + String(repeating: " ", count: max(1, columns - 1 - total.unicodeScalars.count)) + total
  }
}
