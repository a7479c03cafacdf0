/// The spans of a run as trees, in the order of a reader: traces by their beginning, children below their parent by theirs.
package struct TraceTree: Equatable {
  package enum Subject: Equatable {
    /// Index in the collection's entries.
    case span(Int)
    /// The parent of spans that did not arrive itself: whoever called the run, or a span that was left out.
    case absentParent(trace: ViewedSpan.TraceID, span: UInt64, flags: UInt32)
  }

  package struct Line: Equatable {
    package var subject: Subject
    /// Of each ancestor below the root, and last of the line itself: whether a sibling follows. Empty for a root.
    package var followers: [Bool]
  }

  /// One for each root, in the order of their traces.
  package private(set) var traces: [[Line]] = []
  /// Different trace ids.
  package let traceCount: Int

  private struct Key: Hashable {
    let trace: ViewedSpan.TraceID
    let span: UInt64
  }

  private struct Root {
    var subject: Subject
    var start: UInt64
    var trace: ViewedSpan.TraceID
  }

  package init(_ entries: [SpanCollection.Entry]) {
    var indices: [Key: Int] = [:]
    for (index, entry) in entries.enumerated() { indices[Key(trace: entry.span.traceID, span: entry.span.spanID)] = index }
    var children: [Key: [Int]] = [:]
    var roots: [Root] = []
    for (index, entry) in entries.enumerated() {
      let span = entry.span
      let parent = Key(trace: span.traceID, span: span.parentSpanID)
      guard span.parentSpanID != 0 else {
        roots.append(Root(subject: .span(index), start: span.start, trace: span.traceID))
        continue
      }
      if indices[parent] == nil, children[parent] == nil {
        roots.append(
          Root(subject: .absentParent(trace: span.traceID, span: span.parentSpanID, flags: span.flags), start: span.start, trace: span.traceID))
      }
      children[parent, default: []].append(index)
    }
    for key in children.keys { children[key]?.sort { (entries[$0].span.start, $0) < (entries[$1].span.start, $1) } }
    traceCount = Set(entries.map(\.span.traceID)).count

    var shown = [Bool](repeating: false, count: entries.count)
    var found: [(start: UInt64, trace: ViewedSpan.TraceID, lines: [Line])] = []
    func append(_ root: Root) {
      let lines = Self.lines(below: root.subject, entries, children, &shown)
      found.append((lines.compactMap { Self.start($0, entries) }.min() ?? root.start, root.trace, lines))
    }
    for root in roots { append(root) }
    // Spans that are each other's ancestors: no honest program makes them, and they are shown all the same.
    for index in entries.indices where !shown[index] {
      append(Root(subject: .span(index), start: entries[index].span.start, trace: entries[index].span.traceID))
    }
    // Roots of one trace stay together, at the place of the first.
    var first: [ViewedSpan.TraceID: UInt64] = [:]
    for tree in found { first[tree.trace] = min(first[tree.trace] ?? .max, tree.start) }
    func order(_ index: Int) -> (UInt64, UInt64, UInt64, UInt64, Int) {
      (first[found[index].trace] ?? 0, found[index].trace.high, found[index].trace.low, found[index].start, index)
    }
    traces = found.indices.sorted { order($0) < order($1) }.map { found[$0].lines }
  }

  private static func start(_ line: Line, _ entries: [SpanCollection.Entry]) -> UInt64? {
    guard case .span(let index) = line.subject else { return nil }
    return entries[index].span.start
  }

  /// Not recursive: a chain may be as long as the collection.
  private static func lines(
    below root: Subject, _ entries: [SpanCollection.Entry], _ children: [Key: [Int]], _ shown: inout [Bool]
  ) -> [Line] {
    var lines: [Line] = []
    var waiting = [Line(subject: root, followers: [])]
    while let line = waiting.popLast() {
      let key: Key
      switch line.subject {
      case .span(let index):
        guard !shown[index] else { continue }
        shown[index] = true
        key = Key(trace: entries[index].span.traceID, span: entries[index].span.spanID)
      case .absentParent(let trace, let span, _): key = Key(trace: trace, span: span)
      }
      lines.append(line)
      let below = (children[key] ?? []).filter { !shown[$0] }
      for (place, index) in below.enumerated().reversed() {
        waiting.append(Line(subject: .span(index), followers: line.followers.suffix(deepest) + [place < below.count - 1]))
      }
    }
    return lines
  }

  /// Deeper ones are drawn at this depth.
  static let deepest = 24
}
