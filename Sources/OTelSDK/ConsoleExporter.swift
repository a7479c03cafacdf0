import COTelShims
import OTelPrimitives
import OTelRegion

/// Writes spans to standard error as they end: the exporter `console`, behind a simple processor (trace/sdk.md, "Simple processor").
///
/// In two steps, with the span's slot given back in between: `line` makes the text, `write` may wait for whoever reads it. Each line has
/// a buffer of its own. Which are taken stands in a word of the process's page, so a fork child begins with none.
/// Any thread; async-signal-safe; allocates never; waits for nothing but the write itself.
struct ConsoleExporter {
  let options: UnsafeMutablePointer<TracerOptions>

  struct Line {
    fileprivate let buffer: Int
    let text: UnsafePointer<UInt8>
    let count: Int
  }

  private static var bufferCount: Int { 64 }
  /// What readers of logs take as one line (Docker's json-file splits longer ones).
  static var bufferSize: Int { 16 &<< 10 }
  /// PIPE_BUF on Linux (pipe(7)).
  private static var pipeCapacity: Int { 4096 }

  private var process: ProcessState { ProcessState(page: options.pointee.page) }

  /// Gets the buffers. Once per process, before its first span; without them every span is counted as dropped.
  @inline(never)
  func prepare() {
    process.processID.store(UInt64(truncatingIfNeeded: Int(otel_process_id())))
    let memory = otel_private_memory(Self.bufferCount &* Self.bufferSize)
    process.consoleBuffers.store(UInt64(truncatingIfNeeded: UInt(bitPattern: memory)))
  }

  /// The line for `span`; nil, and counted, when it fits into none or all buffers are taken.
  /// - Parameter span: an OTLP `Span` message.
  @inline(never)
  func line(of span: UnsafeRawBufferPointer) -> Line? {
    guard !isFaulty("fault: console has a buffer"),
      let memory = UnsafeMutableRawPointer(bitPattern: UInt(truncatingIfNeeded: process.consoleBuffers.load())), let buffer = claim()
    else {
      count(.consoleFull)
      return nil
    }
    // A line feed in front, for the line after one that was cut short.
    let isPipe = options.pointee.console.is_pipe
    let capacity = (isPipe ? Self.pipeCapacity : Self.bufferSize) &- 1
    let start = (memory + buffer &* Self.bufferSize).assumingMemoryBound(to: UInt8.self)
    start.pointee = 0x0a
    let json = SpanJSON(message: span)
    // Values are cut only if they have to be, and then all to the same length.
    var longest = Int.max
    while longest >= 16 {
      var writer = JSONWriter(start + 1, capacity: capacity, longestValue: longest)
      json.write(to: &writer, resource: options.pointee.resource, process: process)
      if !writer.isFull, !isFaulty("fault: span fits into a line") { return Line(buffer: buffer, text: UnsafePointer(start + 1), count: writer.count) }
      longest = longest == .max ? capacity / 2 : longest / 2
    }
    release(buffer)
    count(.consoleFull)
    return nil
  }

  /// Writes `line` and gives its buffer back.
  @inline(never)
  func write(_ line: Line) {
    let text = UnsafeRawPointer(line.text).assumingMemoryBound(to: CChar.self)
    let isWritten = withUnsafePointer(to: &options.pointee.console) { otel_console_write($0, text, line.count) }
    release(line)
    if !isWritten { count(.consoleUnwritten) }
  }

  /// By the page: a signal handler that interrupted the write may have forked, and its child, which comes here too, has no region.
  private func count(_ reason: DropReason) {
    if let region = process.regionAddress { HostRegion(region: region).count(reason) }
  }

  private func claim() -> Int? {
    let claims = process.consoleClaims
    var taken = claims.load()
    while taken != .max {
      let buffer = (~taken).trailingZeroBitCount
      guard let found = claims.replace(taken, with: taken | 1 &<< UInt64(truncatingIfNeeded: buffer)) else { return buffer }
      taken = found
    }
    return nil
  }

  func release(_ line: Line) { release(line.buffer) }

  private func release(_ buffer: Int) {
    let claims = process.consoleClaims
    var taken = claims.load()
    while let found = claims.replace(taken, with: taken & ~(1 &<< UInt64(truncatingIfNeeded: buffer))) { taken = found }
  }
}
