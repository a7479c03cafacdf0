public import COTelHookABI
public import OTelAPI

/// An `OpenSpan` in the words of an `otel_call`, which C keeps on the wrapper's stack.
public enum CallState {
  private static var traced: UInt64 { 1 }
  private static var recording: UInt64 { 2 }
  private static var remoteParent: UInt64 { 4 }
  private static var untraced: UInt64 { 8 }

  @inline(__always)
  public static func store(_ span: OpenSpan, in call: UnsafeMutablePointer<otel_call>) {
    call.pointee.generation = span.generation
    call.pointee.trace_high = span.context.traceHigh
    call.pointee.trace_low = span.context.traceLow
    call.pointee.span_id = span.context.spanID
    call.pointee.parent_id = span.parentID
    call.pointee.start_time = span.startTime
    call.pointee.clock = span.clock
    call.pointee.slot = span.slot
    var state = traced | UInt64(span.context.flags) &<< 8
    if span.isRecording { state |= recording }
    if span.parentIsRemote { state |= remoteParent }
    call.pointee.state = state
  }

  /// A call that is followed and has no span.
  @inline(__always)
  public static func storeUntraced(generation: UInt64, in call: UnsafeMutablePointer<otel_call>) {
    call.pointee.generation = generation
    call.pointee.state = untraced
  }

  @inline(__always)
  public static func isTraced(_ call: UnsafeMutablePointer<otel_call>) -> Bool { call.pointee.state & traced != 0 }

  @inline(__always)
  public static func context(_ call: UnsafeMutablePointer<otel_call>) -> SpanContext {
    SpanContext(
      traceHigh: call.pointee.trace_high, traceLow: call.pointee.trace_low, spanID: call.pointee.span_id,
      flags: UInt8(truncatingIfNeeded: call.pointee.state &>> 8))
  }

  @inline(__always)
  public static func load(_ call: UnsafeMutablePointer<otel_call>) -> OpenSpan {
    var span = OpenSpan(
      context: context(call), parentID: call.pointee.parent_id, parentIsRemote: call.pointee.state & remoteParent != 0,
      isRecording: call.pointee.state & recording != 0, startTime: call.pointee.start_time, slot: call.pointee.slot,
      generation: call.pointee.generation)
    span.clock = call.pointee.clock
    return span
  }
}
