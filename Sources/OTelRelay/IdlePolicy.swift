/// When a relay that a process started leaves again.
struct IdlePolicy {
  /// Without an attached process.
  static let quiet: UInt64 = 5_000_000_000
  /// More, when there are spans that could not be delivered.
  static let undelivered: UInt64 = 60_000_000_000

  private var quietSince: UInt64

  init(now: UInt64) { quietSince = now }

  /// - Parameters:
  ///   - isServing: some process is attached, or someone is connected.
  ///   - hasUndelivered: spans of ended processes are waiting.
  mutating func shouldLeave(now: UInt64, isServing: Bool, hasUndelivered: Bool) -> Bool {
    if isServing { quietSince = now }
    return now - quietSince >= Self.quiet + (hasUndelivered ? Self.undelivered : 0)
  }
}
