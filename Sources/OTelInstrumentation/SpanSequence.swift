public import OTelAPI
public import OTelPrimitives

/// The two halves of a traced call's span, for hooks whose real call lies between them.
///
/// `start` writes what is known before the call, `end` what is known after it. When there is no place to keep the first half, or it
/// was lost on the way (a fork, a new region, a slot taken for dead), both are written at the end: nothing but the crash report of a
/// process that dies meanwhile is lost.
extension Tracer {
  @inline(__always)
  public func openHalf(_ span: inout OpenSpan, name: Text, kind: SpanKind, scope: InstrumentationScope, start: (inout Recorder) -> Void) {
    guard span.isRecording, var recorder = record(&span, name: name, kind: kind, scope: scope) else { return }
    start(&recorder)
    suspend(recorder, of: &span)
  }

  /// - Parameter time: when it ended, CLOCK_MONOTONIC in nanoseconds; 0: now.
  @inline(__always)
  public func closeHalf(
    _ span: OpenSpan, name: Text, kind: SpanKind, scope: InstrumentationScope, at time: UInt64 = 0, start: (inout Recorder) -> Void,
    end: (inout Recorder) -> Void
  ) {
    guard span.isRecording, var recorder = resume(span) ?? recordAnew(span, name: name, kind: kind, scope: scope, start: start) else { return }
    end(&recorder)
    self.end(recorder, of: span, scope: scope, at: time)
  }

  /// The first half, at the end. Nil, and counted, when there is still no room. Out of line, as it is seldom needed.
  @inline(never)
  private func recordAnew(_ span: OpenSpan, name: Text, kind: SpanKind, scope: InstrumentationScope, start: (inout Recorder) -> Void) -> Recorder? {
    var span = span
    guard var recorder = record(&span, name: name, kind: kind, scope: scope) else {
      count(.noSlot)
      return nil
    }
    start(&recorder)
    return recorder
  }
}
