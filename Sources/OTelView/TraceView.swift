import OTelPrimitives

/// Draws the traces of a run for a person at a terminal: trees with time bars. A pure function of what it is given.
package struct TraceView {
  private let summary: RunSummary
  private let spans: SpanCollection
  private let style: TerminalStyle
  private let labels: [String]
  private let tree: TraceTree

  package init(_ summary: RunSummary, _ spans: SpanCollection, style: TerminalStyle) {
    self.summary = summary
    self.spans = spans
    self.style = style
    labels = ViewedProcess.labels(spans.processes)
    tree = TraceTree(spans.entries)
  }

  /// Lines, each with its line feed; an empty one first, because a program's output need not end with one.
  package var text: String { "\n" + (head + notes + traces).joined(separator: "\n") + "\n" }

  // MARK: Head

  private var head: [String] {
    let ending: String
    let isGood: Bool
    switch summary.ending {
    case .exited(let status): (ending, isGood) = ("exit status \(status)", status == 0)
    case .killed(let signal): (ending, isGood) = ("killed by \(SignalName.text(signal))", false)
    }
    let counts = [
      Self.count(tree.traceCount, "trace", "traces"), Self.count(spans.entries.count, "span", "spans"),
      Self.count(spans.recordingProcesses, "process", "processes"),
    ]
    let time = DurationText.text(summary.end - summary.start, isUnicode: style.isUnicode)
    let program = TerminalText(summary.command, isUnicode: style.isUnicode).cutInTheMiddle(max(10, style.width - ending.count - time.count - 4))
    let first = style.painted(program.text, .bold) + ": " + (isGood ? ending : style.painted(ending, .red)) + ", " + time
    guard !spans.entries.isEmpty else { return [first] }
    let rest = counts.joined(separator: ", ")
    let fits = program.width + 2 + ending.count + 2 + time.count + 2 + rest.count <= style.width
    return fits ? [first + ", " + rest] : [first + ",", rest]
  }

  private var notes: [String] {
    var sentences: [String] = []
    if spans.entries.isEmpty { sentences.append("no spans: " + summary.hints.joined(separator: " ")) }
    if spans.leftOut > 0 {
      sentences.append("\(Self.count(spans.leftOut, "more span is", "more spans are")) not shown: a view keeps the first \(SpanCollection.mostSpans).")
    }
    for loss in summary.losses where loss.count > 0 {
      sentences.append("\(Self.count(loss.count, "span is", "spans are")) missing: \(loss.reason).")
    }
    if summary.running > 0 {
      sentences.append(
        "\(Self.count(summary.running, "process still runs", "processes still run")): what is recorded from here on is not shown, and exported nowhere.")
    }
    return sentences.flatMap { Self.wrapped(TerminalText($0, isUnicode: style.isUnicode).text, style.width) }
  }

  private static func count(_ number: Int, _ one: String, _ many: String) -> String { "\(number) \(number == 1 ? one : many)" }

  private static func wrapped(_ text: String, _ width: Int) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty, line.count + 1 + word.count > width {
        lines.append(line)
        line = ""
      }
      line += (line.isEmpty ? "" : " ") + word
    }
    return lines + [line]
  }

  // MARK: Traces

  /// A span's line before it is cut to its columns.
  private struct Row {
    var name: TerminalText
    var program: TerminalText
    var span: ViewedSpan
    var duration: String
    var details: SpanDetails
  }

  private var traces: [String] {
    guard !spans.entries.isEmpty else { return [] }
    let rows = tree.traces.flatMap { $0 }.map { line in (line, row(line)) }
    let found = rows.compactMap(\.1)
    let columns = TraceColumns(
      width: style.width, name: found.map(\.name.width).max() ?? 0, program: found.map(\.program.width).max() ?? 0,
      duration: found.map { $0.duration.unicodeScalars.count }.max() ?? 0, details: found.map { plainDetails($0.details).width }.max() ?? 0)
    let axis = TimeAxis(
      start: min(summary.start, found.map(\.span.start).min() ?? .max), end: max(summary.end, found.map(\.span.end).max() ?? 0),
      columns: columns.bar, isUnicode: style.isUnicode)
    let margin = String(repeating: " ", count: columns.name + columns.program + 2 * columns.gap)
    return [margin + style.painted(axis.scale, .dim)] + rows.map { line, row in
      row.map { draw($0, columns, axis) } ?? absentParent(line.subject)
    }
  }

  private func row(_ line: TraceTree.Line) -> Row? {
    guard case .span(let index) = line.subject else { return nil }
    let entry = spans.entries[index]
    return Row(
      name: TerminalText(branches(line.followers) + entry.span.name, isUnicode: style.isUnicode),
      program: TerminalText(labels.indices.contains(entry.process) ? labels[entry.process] : "?", isUnicode: style.isUnicode), span: entry.span,
      duration: DurationText.text(entry.span.duration, isUnicode: style.isUnicode), details: SpanDetails(entry.span))
  }

  private func branches(_ followers: [Bool]) -> String {
    guard let last = followers.last else { return "" }
    let (through, fork, end) = style.isUnicode ? ("│ ", "├ ", "└ ") : ("| ", "|-", "`-")
    return followers.dropLast().map { $0 ? through : "  " }.joined() + (last ? fork : end)
  }

  private func draw(_ row: Row, _ columns: TraceColumns, _ axis: TimeAxis) -> String {
    let gap = String(repeating: " ", count: columns.gap)
    let isError = row.details.error != nil
    let duration = String(repeating: " ", count: columns.duration - row.duration.unicodeScalars.count) + row.duration
    let details = columns.details > 0 ? gap + drawDetails(row.details, columns.details, nameIsCut: row.name.width > columns.name) : ""
    let line =
      row.name.padded(columns.name) + gap + style.painted(row.program.padded(columns.program), .cyan) + gap
      + style.painted(axis.bar(from: row.span.start, to: row.span.end), isError ? .red : .green) + gap + duration
    return details == gap ? line : line + details
  }

  private var errorMark: String { style.isUnicode ? "✗ " : "! " }

  /// Status first: it is short, and what one looks for.
  private func plainDetails(_ details: SpanDetails) -> TerminalText {
    TerminalText([details.error.map { errorMark + $0 }, details.code, details.subject].compactMap { $0 }.joined(separator: " "), isUnicode: style.isUnicode)
  }

  private func drawDetails(_ details: SpanDetails, _ width: Int, nameIsCut: Bool) -> String {
    var parts: [String] = []
    var left = width
    func add(_ text: TerminalText, _ colour: TerminalStyle.Colour?) {
      guard !text.scalars.isEmpty, text.width <= left else { return }
      left -= text.width + 1
      parts.append(colour.map { style.painted(text.text, $0) } ?? text.text)
    }
    if let error = details.error { add(TerminalText(errorMark + error, isUnicode: style.isUnicode).cut(left), .red) }
    if let code = details.code { add(TerminalText(code, isUnicode: style.isUnicode), nil) }
    // A few letters of a URL tell nobody anything.
    if let subject = details.subject ?? (nameIsCut ? details.named : nil), left >= 6 { add(shortened(subject, left), .dim) }
    return parts.joined(separator: " ")
  }

  /// A URL does without its scheme before it is cut.
  private func shortened(_ subject: String, _ columns: Int) -> TerminalText {
    let whole = TerminalText(subject, isUnicode: style.isUnicode)
    guard whole.width > columns, let scheme = ["https://", "http://"].first(where: { subject.hasPrefix($0) }) else { return whole.cutInTheMiddle(columns) }
    return TerminalText(String(subject.dropFirst(scheme.count)), isUnicode: style.isUnicode).cutInTheMiddle(columns)
  }

  private func absentParent(_ subject: TraceTree.Subject) -> String {
    guard case .absentParent(let trace, let span, let flags) = subject else { return "" }
    // Flag 0x100 says that 0x200 tells whether the parent was in another process (trace.proto, SpanFlags).
    let isLocal = flags & 0x300 == 0x100
    let text = (isLocal ? "below a span that is not shown: " : "from TRACEPARENT ") + ViewedSpan.traceParent(trace, span: span, flags: flags)
    return style.painted(TerminalText(text, isUnicode: style.isUnicode).cutInTheMiddle(style.width).text, .bold)
  }
}
