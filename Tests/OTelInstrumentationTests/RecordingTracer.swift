import COTelShims
import OTelAPI
import OTelPrimitives

/// A tracer that notes what it is asked for. One thread; each instance has a generation of its own, so that what another test left in
/// the thread's state is no call of this one's.
final class TracerLog {
  var generation = UInt64.random(in: 1...(.max))
  var spanIDs: UInt64 = 0
  /// What `slotNumber` answers, by span id.
  var slotNumbers: [UInt64: Int] = [:]
  var abandoned: [Int] = []
  var losses: [Loss] = []
  var runsInVforkChild = false
  var propagation = Propagation(.standard)
  var traceState = Text("")
  /// What each span was started with.
  var parents: [SpanContext?] = []
  var canRecord = true
  var canResume = true
  var ended: [[String]] = []
  var endTimes: [UInt64] = []
}

struct RecordingTracer: Tracer {
  struct Recorder: SpanAttributes {
    var keys: [String]
    mutating func set(_ key: StaticString, _ value: Text) { keys.append(key.description) }
    mutating func set(_ key: StaticString, ascii value: Text) { keys.append(key.description) }
    mutating func set(_ key: StaticString, _ value: Int64) { keys.append(key.description) }
    mutating func updateName(_ name: Text) { keys.append("name") }
    mutating func setTraceState(_ text: Text) { if !text.isEmpty { keys.append("trace_state") } }
    mutating func setError() { keys.append("error") }
  }

  let log = TracerLog()
  private let suspended = Suspended()
  private final class Suspended { var keys: [UInt64: [String]] = [:] }

  var recordsRoots: Bool { true }

  func prepare() -> UInt64 {
    let thread = otel_thread_self()
    if thread.pointee.generation != log.generation {
      thread.pointee.generation = log.generation
      thread.pointee.depth = 0
    }
    return log.generation
  }

  func start(parent: SpanContext?, isRemote: Bool) -> OpenSpan? {
    let generation = prepare()
    log.spanIDs += 1
    log.parents.append(parent)
    let context = SpanContext(traceHigh: parent?.traceHigh ?? 1, traceLow: parent?.traceLow ?? log.spanIDs, spanID: log.spanIDs, flags: SpanContext.sampled)
    return OpenSpan(
      context: context, parentID: parent?.spanID ?? 0, parentIsRemote: isRemote, isRecording: true, startTime: 5, slot: nil, generation: generation)
  }

  func record(_ span: inout OpenSpan, name: Text, kind: SpanKind, scope: InstrumentationScope) -> Recorder? {
    log.canRecord ? Recorder(keys: []) : nil
  }
  func suspend(_ recorder: Recorder, of span: inout OpenSpan) { suspended.keys[span.context.spanID] = recorder.keys }
  func resume(_ span: OpenSpan) -> Recorder? {
    log.canResume ? suspended.keys[span.context.spanID].map { Recorder(keys: $0) } : nil
  }
  func end(_ recorder: Recorder, of span: OpenSpan, scope: InstrumentationScope, at time: UInt64) {
    log.ended.append(recorder.keys)
    log.endTimes.append(time)
  }
  func isOwn(_ span: OpenSpan) -> Bool { span.generation == log.generation }
  var runsInVforkChild: Bool { log.runsInVforkChild }
  func discard(_ span: OpenSpan) { suspended.keys[span.context.spanID] = nil }
  func abandon(slot: Int) { log.abandoned.append(slot) }
  func slotNumber(_ span: OpenSpan) -> Int { log.slotNumbers[span.context.spanID] ?? 0 }
  var propagation: Propagation { log.propagation }
  func traceState(_ span: OpenSpan) -> Text { log.traceState }
  func count(_ loss: Loss) { log.losses.append(loss) }
}
