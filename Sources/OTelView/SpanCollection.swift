/// The spans of one run, in memory of bounded size: the first ones are kept, the rest are counted.
package struct SpanCollection {
  package struct Entry: Equatable, Sendable {
    package var span: ViewedSpan
    /// Index in `processes`.
    package var process: Int
  }

  package static let mostSpans = 2000
  static let mostBytes = 16 << 20
  static let mostProcesses = 10_000

  package private(set) var entries: [Entry] = []
  package private(set) var processes: [ViewedProcess] = []
  /// Spans that there was no room for.
  package private(set) var leftOut = 0
  private var bytes = 0
  private var seen: Set<Key> = []

  private struct Key: Hashable {
    let trace: ViewedSpan.TraceID
    let span: UInt64
  }

  package init() {}

  /// Returns the process's index. Regions of one process share one.
  package mutating func add(_ process: ViewedProcess) -> Int {
    if process.processID != nil, let found = processes.lastIndex(of: process) { return found }
    guard processes.count < Self.mostProcesses else { return processes.count - 1 }
    processes.append(process)
    return processes.count - 1
  }

  /// - Parameter message: a `Span` in OTLP form.
  package mutating func add(_ message: UnsafeRawBufferPointer, process: Int) {
    guard entries.count < Self.mostSpans, bytes + message.count <= Self.mostBytes else {
      leftOut += 1
      return
    }
    guard let span = ViewedSpan(message) else { return }
    add(span, process: process, bytes: message.count)
  }

  package mutating func add(_ span: ViewedSpan, process: Int, bytes count: Int = 0) {
    // A process that changes its region hands over what it cannot know to have arrived.
    guard seen.insert(Key(trace: span.traceID, span: span.spanID)).inserted else { return }
    entries.append(Entry(span: span, process: process))
    bytes += count
  }

  /// How many processes have a span.
  package var recordingProcesses: Int { Set(entries.map(\.process)).count }
}
