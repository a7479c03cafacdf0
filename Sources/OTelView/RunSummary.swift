/// What is known of a run beside its spans.
package struct RunSummary: Sendable {
  package enum Ending: Equatable, Sendable {
    case exited(Int32)
    case killed(signal: Int32)

    /// As waitpid(2) has it.
    package var waitStatus: Int32 {
      switch self {
      case .exited(let status): (status & 0xff) << 8
      case .killed(let signal): signal
      }
    }
  }

  /// As the user wrote it.
  package var command: String
  package var ending: Ending
  /// Unix time in nanoseconds, of the program's start and end.
  package var start: UInt64
  package var end: UInt64
  /// Spans that did not arrive, and why.
  package var losses: [(count: Int, reason: String)] = []
  /// Processes that recorded and had not ended with the program.
  package var running = 0
  /// Why there may be no spans. Sentences.
  package var hints: [String] = []

  package init(command: String, ending: Ending, start: UInt64, end: UInt64) {
    self.command = command
    self.ending = ending
    self.start = start
    self.end = max(start, end)
  }
}
