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
  /// Spans of `startPart`, as they ended.
  var parts: [Part] = []

  struct Part: Equatable {
    var name: String
    var start: UInt64
    var end: UInt64
    var keys: [String] = []
  }
}

struct RecordingTracer: Tracer {
  struct Recorder: SpanAttributes {
    var keys: [String]
    var part: TracerLog.Part?
    mutating func set(_ key: StaticString, _ value: Text) { keys.append(key.description) }
    mutating func set(_ key: StaticString, ascii value: Text) { keys.append(key.description) }
    mutating func set(_ key: StaticString, _ value: Int64) { keys.append(key.description) }
    mutating func set(_ prefix: StaticString, lowercased suffix: Text, strings: UnsafeBufferPointer<Text>) {
      let key = prefix.description + String(decoding: UnsafeBufferPointer(start: suffix.start, count: suffix.count), as: UTF8.self).lowercased()
      keys.append(key + "=" + strings.map { String(decoding: UnsafeBufferPointer(start: $0.start, count: $0.count), as: UTF8.self) }.joined(separator: "|"))
    }
    mutating func updateName(_ name: Text) { keys.append("name") }
    mutating func setTraceState(_ text: Text) { if !text.isEmpty { keys.append("trace_state") } }
    mutating func setError() { keys.append("error") }
  }

  let log = TracerLog()
  private let suspended = Suspended()
  private final class Suspended { var keys: [UInt64: [String]] = [:] }
  private let parts = Parts()
  private final class Parts { var started: Set<UInt64> = [] }

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

  func startPart(of parent: OpenSpan, at startTime: UInt64) -> OpenSpan {
    log.spanIDs += 1
    var span = parent
    span.context.spanID = log.spanIDs
    span.parentID = parent.context.spanID
    span.startTime = startTime
    parts.started.insert(log.spanIDs)
    return span
  }

  func record(_ span: inout OpenSpan, name: Text, kind: SpanKind, scope: InstrumentationScope) -> Recorder? {
    guard log.canRecord else { return nil }
    guard parts.started.contains(span.context.spanID) else { return Recorder(keys: []) }
    let words = String(decoding: UnsafeBufferPointer(start: name.start, count: name.count), as: UTF8.self)
    return Recorder(keys: [], part: TracerLog.Part(name: words, start: span.startTime, end: 0))
  }
  func suspend(_ recorder: Recorder, of span: inout OpenSpan) { suspended.keys[span.context.spanID] = recorder.keys }
  func resume(_ span: OpenSpan) -> Recorder? {
    log.canResume ? suspended.keys[span.context.spanID].map { Recorder(keys: $0) } : nil
  }
  func end(_ recorder: Recorder, of span: OpenSpan, scope: InstrumentationScope, at time: UInt64) {
    if var part = recorder.part {
      (part.end, part.keys) = (time, recorder.keys)
      log.parts.append(part)
      return
    }
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
