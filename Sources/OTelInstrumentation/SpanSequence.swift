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
    guard span.isRecording else { return }
    if var recorder = resume(span) {
      end(&recorder)
      self.end(recorder, of: span, scope: scope, at: time)
      return
    }
    var span = span
    guard var recorder = record(&span, name: name, kind: kind, scope: scope) else {
      count(.noSlot)
      return
    }
    start(&recorder)
    end(&recorder)
    self.end(recorder, of: span, scope: scope, at: time)
  }
}
