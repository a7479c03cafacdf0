import COTelShims
public import OTelAPI
public import OTelPrimitives
import OTelRegion

/// The SDK's tracer. Starts, encodes and ends spans; makes the region at the first one that is recorded.
///
/// Source: https://opentelemetry.io/docs/specs/otel/trace/sdk/. Any thread; async-signal-safe; allocates never; after the region
/// exists it makes no system call, but when the relay has gone (`RegionLifecycle`).
public struct SDKTracer: Tracer {
  let options: UnsafeMutablePointer<TracerOptions>

  @inline(__always)
  public init(options: UnsafeMutablePointer<TracerOptions>) { self.options = options }

  @inline(__always) var process: ProcessState { ProcessState(page: options.pointee.page) }

  @inline(__always)
  public func prepare() -> UInt64 {
    var generation = process.generation.loadAcquiring()
    if generation == 0 { generation = RandomSource.attachSecret(process) }
    let thread = otel_thread_self()
    if thread.pointee.generation != generation { RandomSource.seed(thread, process, generation: generation) }
    return generation
  }

  @inline(__always)
  public func start(parent: SpanContext?, isRemote: Bool) -> OpenSpan? {
    let generation = prepare()
    let thread = otel_thread_self()
    var parent = parent
    var isRemote = isRemote
    if parent == nil, options.pointee.processParent.isValid {
      parent = options.pointee.processParent
      isRemote = true
    }
    if options.pointee.isDisabled { return passedOn(parent, generation) }
    var context = SpanContext(traceHigh: 0, traceLow: 0, spanID: RandomSource.next(thread), flags: SpanContext.random)
    if let parent {
      context.traceHigh = parent.traceHigh
      context.traceLow = parent.traceLow
      context.flags = parent.flags & (SpanContext.random | SpanContext.debug)
    } else {
      context.traceHigh = RandomSource.next(thread)
      context.traceLow = RandomSource.next(thread)
    }
    var span = OpenSpan(
      context: context, parentID: parent?.spanID ?? 0, parentIsRemote: isRemote, isRecording: false, startTime: 0, slot: nil,
      generation: generation)
    guard options.pointee.sampler.decides(traceLow: context.traceLow, parent: parent) else { return span }
    span.context.flags |= SpanContext.sampled
    guard options.pointee.isExported else { return span }
    let now = otel_monotonic()
    if now >= process.nextCheck.load(), !RegionLifecycle(options: options).attach(now: now), process.region.load() == 0 {
      return early(span, now)
    }
    span.clock = process.clock.load()
    // A clock that cannot be read is 0: no span is better than one of 1970.
    guard process.region.load() != 0, now != 0, span.clock != 0 else { return nil }
    span.isRecording = true
    span.startTime = now &+ span.clock
    return span
  }

  /// A span that begins while another thread makes the process's region. It has no slot; when it ends there will be one, as a rule.
  @inline(never)
  private func early(_ span: OpenSpan, _ now: UInt64) -> OpenSpan? {
    // Or it has just been made.
    guard RegionLifecycle(options: options).isBeginning || process.region.load() != 0 else { return nil }
    let wall = otel_realtime()
    guard now != 0, wall != 0 else { return nil }
    var span = span
    span.clock = wall &- now
    span.isRecording = true
    span.startTime = wall
    return span
  }

  /// Without an SDK the API passes the parent's context on, as it is (trace/api.md, "Behavior of the API in the absence of an
  /// installed SDK").
  @inline(never)
  private func passedOn(_ parent: SpanContext?, _ generation: UInt64) -> OpenSpan? {
    // Baggage is passed on without one, too.
    guard parent != nil || options.pointee.propagation.hasBaggage else { return nil }
    let parent = parent ?? SpanContext(traceHigh: 0, traceLow: 0, spanID: 0, flags: 0)
    return OpenSpan(
      context: parent, parentID: 0, parentIsRemote: false, isRecording: false, startTime: 0, slot: nil, generation: generation)
  }

  @inline(never)
  public func startPart(of parent: OpenSpan, at startTime: UInt64) -> OpenSpan {
    _ = prepare()
    var span = parent
    span.context.spanID = RandomSource.next(otel_thread_self())
    span.parentID = parent.context.spanID
    span.parentIsRemote = false
    // By its parent's clock.
    span.startTime = startTime &+ parent.clock
    span.slot = nil
    return span
  }

  @inline(__always)
  public var recordsRoots: Bool { options.pointee.recordsRoots }

  @inline(__always)
  public var propagation: Propagation { options.pointee.propagation }

  @inline(__always)
  public func record(_ span: inout OpenSpan, name: Text, kind: SpanKind, scope: InstrumentationScope) -> SpanRecorder? {
    guard span.generation == process.generation.load(), let region = process.regionAddress else { return nil }
    let thread = otel_thread_self()
    guard let slot = SpanSlots(region: region).claim(hint: &thread.pointee.slot_hint, mark: span.context.spanID) else { return nil }
    var recorder = SpanRecorder(region: region, slot: slot, mark: span.context.spanID, limits: options.pointee.limits)
    recorder.begin(span, name: name, kind: kind, tag: RecordTag(scope), traceState: traceState(span))
    return recorder
  }

  @inline(__always)
  public func suspend(_ recorder: SpanRecorder, of span: inout OpenSpan) {
    recorder.publish()
    span.slot = recorder.slot
  }

  /// Whether `slot` is still `span`'s: in the current region, and marked with its id.
  @inline(__always)
  private func isOwn(_ slot: UnsafeMutableRawPointer, _ span: OpenSpan, _ region: UnsafeMutableRawPointer) -> Bool {
    let offset = slot - region
    return offset > 0 && offset < Layout.ringOffset && SharedWord(slot).load() == span.context.spanID
  }

  @inline(__always)
  public func resume(_ span: OpenSpan) -> SpanRecorder? {
    guard span.generation == process.generation.load(), let region = process.regionAddress, let slot = span.slot, isOwn(slot, span, region)
    else { return nil }
    var recorder = SpanRecorder(region: region, slot: slot, mark: span.context.spanID, limits: options.pointee.limits)
    guard recorder.restore() else {
      recorder.discard()
      return nil
    }
    return recorder
  }

  @inline(__always)
  public func isOwn(_ span: OpenSpan) -> Bool { span.generation == process.generation.load() }

  /// False where nothing may be asked: behind a filter of the program's own.
  @inline(__always)
  public var runsInVforkChild: Bool {
    let known = process.processID.load()
    guard known != 0, !otel_host_filtered() else { return false }
    return UInt64(UInt32(bitPattern: otel_process_id())) != known
  }

  @inline(__always)
  public func end(_ recorder: SpanRecorder, of span: OpenSpan, scope: InstrumentationScope, at time: UInt64) {
    // By the clock that it began with: when the system's is set meanwhile, the span still lasts as long as it lasted.
    let now = time != 0 ? time : otel_monotonic()
    let end = now &+ span.clock > span.startTime ? now &+ span.clock : span.startTime
    var recorder = recorder
    recorder.complete(endTime: end)
    let console = ConsoleExporter(options: options)
    let line = options.pointee.exportsToConsole ? console.line(of: recorder.message) : nil
    // First, as the console's write may wait: a process that is ended meanwhile has recorded this span whole.
    if options.pointee.exportsToRelay { recorder.commit(tag: RecordTag(scope)) } else { recorder.discard() }
    if let line { console.write(line) }
    if now >= process.nextCheck.load() { lookAfterRelay() }
  }

  /// The relay may have gone since the span began, and the process may be about to end without another look. (In a fork child the region
  /// is nobody's yet.)
  @inline(never)
  private func lookAfterRelay() {
    // Not the span's end, which may be long past.
    if process.region.load() != 0 { _ = RegionLifecycle(options: options).attach(now: otel_monotonic()) }
  }

  @inline(__always)
  public func discard(_ span: OpenSpan) {
    guard span.generation == process.generation.load(), let region = process.regionAddress, let slot = span.slot, isOwn(slot, span, region)
    else { return }
    SpanSlots.release(slot, mark: span.context.spanID)
  }

  /// Five bits of the span's id above a slot's number: in a new region, or given to another call, the slot is no longer the span's.
  @inline(__always)
  private static func ticket(_ mark: UInt64) -> Int { Int(truncatingIfNeeded: mark & 31) &<< 11 }

  @inline(never)
  public func abandon(slot ticket: Int) {
    guard let region = process.regionAddress, let slot = SpanSlots(region: region).slot(number: ticket & 0x7ff) else { return }
    let mark = SharedWord(slot).load()
    guard mark != 0, Self.ticket(mark) == ticket & ~0x7ff else { return }
    SpanSlots.release(slot, mark: mark)
    HostRegion(region: region).count(.neverReturned)
  }

  @inline(__always)
  public func slotNumber(_ span: OpenSpan) -> Int {
    guard let region = process.regionAddress, let slot = span.slot, isOwn(slot, span, region) else { return 0 }
    return SpanSlots(region: region).number(of: slot) | Self.ticket(span.context.spanID)
  }

  public func count(_ loss: Loss) {
    guard process.generation.load() != 0 else { return }
    guard let region = process.regionAddress else {
      if case .noSlot = loss, RegionLifecycle(options: options).isBeginning {
        process.passed.add(1)
        RegionLifecycle(options: options).countPassed()
      }
      return
    }
    switch loss {
    case .noSlot: HostRegion(region: region).count(.noSlot)
    case .unresolved: HostRegion(region: region).count(.unresolved)
    case .handleTableFull: HostRegion(region: region).count(.handleTableFull)
    case .nestedTooDeep: HostRegion(region: region).count(.nestedTooDeep)
    case .connectTableFull: HostRegion(region: region).count(.connectTableFull)
    }
  }

  @inline(__always)
  public func traceState(_ span: OpenSpan) -> Text {
    // It came with the process's parent, and belongs to what descends from it.
    let parent = options.pointee.processParent
    return span.context.traceLow == parent.traceLow && span.context.traceHigh == parent.traceHigh ? options.pointee.traceState : Text("")
  }
}
