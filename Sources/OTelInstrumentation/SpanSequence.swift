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
    if !closeKeptHalf(span, scope: scope, at: time, end: end) { closeLostHalf(span, name: name, kind: kind, scope: scope, at: time, start: start, end: end) }
  }

  /// The end, where the first half is still there; false where it is not.
  @inline(__always)
  public func closeKeptHalf(_ span: OpenSpan, scope: InstrumentationScope, at time: UInt64, end: (inout Recorder) -> Void) -> Bool {
    guard span.isRecording, let recorder = resume(span) else { return false }
    close(recorder, span, scope, time, end)
    return true
  }

  /// Both halves, where the first one is lost. Counted when there is still no room. Seldom needed: out of line where a hook has it so.
  @inline(__always)
  public func closeLostHalf(
    _ span: OpenSpan, name: Text, kind: SpanKind, scope: InstrumentationScope, at time: UInt64, start: (inout Recorder) -> Void,
    end: (inout Recorder) -> Void
  ) {
    guard span.isRecording else { return }
    var span = span
    guard var recorder = record(&span, name: name, kind: kind, scope: scope) else { return count(.noSlot) }
    start(&recorder)
    close(recorder, span, scope, time, end)
  }

  @inline(__always)
  private func close(_ recorder: Recorder, _ span: OpenSpan, _ scope: InstrumentationScope, _ time: UInt64, _ end: (inout Recorder) -> Void) {
    var recorder = recorder
    end(&recorder)
    self.end(recorder, of: span, scope: scope, at: time)
  }
}
