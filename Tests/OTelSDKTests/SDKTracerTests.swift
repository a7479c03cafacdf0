import COTelShims
import OTelAPI
import OTelPrimitives
import OTelRegion
import OTelTestSupport
import Testing

@testable import OTelSDK

@Suite struct SDKTracerTests {
  private let process = TestProcess()
  private var tracer: SDKTracer { process.tracer }

  private func parent(sampled: Bool) -> SpanContext {
    SpanContext(traceHigh: 1, traceLow: 2, spanID: 3, flags: sampled ? SpanContext.sampled : 0)
  }

  private func suspended() throws -> OpenSpan {
    var span = try #require(tracer.start(parent: nil, isRemote: false))
    var recorder = try #require(tracer.record(&span, name: Text("GET"), kind: .client, scope: .curl))
    recorder.set("first", 1)
    tracer.suspend(recorder, of: &span)
    return span
  }

  @Test func aPartOfASpan() throws {
    let parent = try #require(tracer.start(parent: nil, isRemote: false))
    let start = parent.startTime &- parent.clock &+ 1000
    var part = tracer.startPart(of: parent, at: start)
    #expect(part.startTime == parent.startTime + 1000 && part.parentID == parent.context.spanID && part.context.spanID != parent.context.spanID)
    #expect((part.context.traceHigh, part.context.traceLow, part.context.flags) == (parent.context.traceHigh, parent.context.traceLow, parent.context.flags))
    let recorder = try #require(tracer.record(&part, name: Text("part"), kind: .internal, scope: .curl))
    tracer.end(recorder, of: part, scope: .curl, at: start + 500)
    let decoded = try #require(process.spans.first)
    #expect(decoded.name == Array("part".utf8) && decoded.start == part.startTime && decoded.end == part.startTime + 500)
    #expect(decoded.parentSpanID == withUnsafeBytes(of: parent.context.spanID.bigEndian) { Array($0) })
  }

  // MARK: The first region

  @Test func whatBeginsWhileTheRegionIsMade() throws {
    process.state.region.store(0)
    process.state.phase.store(ProcessState.Phase.busy)
    process.state.nextCheck.store(0)
    var (kept, lost) = (try #require(tracer.start(parent: nil, isRemote: false)), try #require(tracer.start(parent: nil, isRemote: false)))
    #expect(kept.isRecording && kept.context.isSampled && kept.context.isValid)
    #expect(kept.startTime > 1_700_000_000_000_000_000)
    // Without a region there is no place for it, and it ends before there is one.
    #expect(tracer.record(&lost, name: Text("GET"), kind: .client, scope: .curl) == nil)
    tracer.count(.noSlot)

    process.replaceRegion()
    process.state.phase.store(ProcessState.Phase.attached)
    RegionLifecycle(options: process.options).countPassed()
    #expect(process.memory.host.drops(.attaching).load() == 1)
    let recorder = try #require(tracer.record(&kept, name: Text("GET"), kind: .client, scope: .curl))
    process.state.nextCheck.store(.max)
    tracer.end(recorder, of: kept, scope: .curl, at: 0)
    #expect(process.spans.count == 1)
    #expect(process.memory.host.drops(.attaching).load() == 1)
  }

  @Test func whatEndsBeforeTheRegionIsCountedByWhoeverComesLast() {
    process.state.phase.store(ProcessState.Phase.busy)
    process.state.passed.store(2)
    RegionLifecycle(options: process.options).countPassed()
    #expect(process.memory.host.drops(.attaching).load() == 2)
    #expect(process.state.passed.load() == 0)
  }

  // MARK: Sampling

  @Test(arguments: [
    // threshold, parent-based, parent's decision, sampled
    (0, false, nil, true), (0, false, false, true), (Sampler.never, false, nil, false), (Sampler.never, false, true, false), (0, true, nil, true),
    (0, true, false, false), (Sampler.never, true, nil, false), (Sampler.never, true, true, true),
  ] as [(UInt64, Bool, Bool?, Bool)])
  func decision(_ threshold: UInt64, _ isParentBased: Bool, _ parentDecision: Bool?, _ isSampled: Bool) throws {
    process.options.pointee.sampler = Sampler(threshold: threshold, isParentBased: isParentBased)
    for isRemote in [true, false] {
      let span = try #require(tracer.start(parent: parentDecision.map { parent(sampled: $0) }, isRemote: isRemote))
      #expect(span.context.isSampled == isSampled)
      #expect(span.isRecording == isSampled)
      #expect((span.startTime != 0) == isSampled)
      // An unsampled span has an identity all the same.
      #expect(span.context.isValid)
    }
    #expect(process.memory.claimedSlots == 0)
  }

  @Test(arguments: [
    (1 << 55, 1 << 55, true), (1 << 55, (1 << 55) - 1, false), (1, 0, false), (1, 1, true), (Sampler.never - 1, Sampler.never - 1, true),
    (Sampler.never - 1, Sampler.never - 2, false),
  ] as [(UInt64, UInt64, Bool)])
  func ratioLooksAtTheLow56Bits(_ threshold: UInt64, _ random: UInt64, _ isSampled: Bool) {
    let sampler = Sampler(threshold: threshold, isParentBased: false)
    for high in [0, 0x80, 0xff] as [UInt64] { #expect(sampler.decides(traceLow: high << 56 | random, parent: nil) == isSampled) }
  }

  @Test func ratioOfManyTraces() throws {
    process.options.pointee.sampler = Sampler(threshold: Sampler.never / 4 * 3, isParentBased: true)
    var sampled = 0
    for _ in 0..<8000 { if try #require(tracer.start(parent: nil, isRemote: false)).context.isSampled { sampled += 1 } }
    // A quarter of 8000 ± 6 standard deviations.
    #expect((1768...2232).contains(sampled))
  }

  @Test(arguments: [
    // threshold, parent-based, process parent's decision, records roots
    (0, true, nil, true), (Sampler.never, true, nil, false), (Sampler.never - 1, true, nil, true), (0, true, false, false), (Sampler.never, true, true, true),
    (0, false, false, true), (Sampler.never, false, true, false),
  ] as [(UInt64, Bool, Bool?, Bool)])
  func recordsRoots(_ threshold: UInt64, _ isParentBased: Bool, _ parentDecision: Bool?, _ expected: Bool) {
    process.options.pointee.sampler = Sampler(threshold: threshold, isParentBased: isParentBased)
    if let parentDecision { process.options.pointee.processParent = parent(sampled: parentDecision) }
    #expect(tracer.recordsRoots == expected)
    if !expected { #expect(tracer.start(parent: nil, isRemote: false)?.isRecording == false) }
    process.options.pointee.exportsToRelay = false
    #expect(!tracer.recordsRoots)
  }

  // MARK: Identity

  @Test func childrenAreOfTheirParentsTrace() throws {
    let root = try #require(tracer.start(parent: nil, isRemote: false))
    let child = try #require(tracer.start(parent: root.context, isRemote: false))
    #expect(root.parentID == 0 && !root.parentIsRemote)
    #expect(child.parentID == root.context.spanID && child.context.spanID != root.context.spanID)
    #expect(child.context.traceHigh == root.context.traceHigh && child.context.traceLow == root.context.traceLow)
    #expect(root.context.flags == SpanContext.sampled | SpanContext.random)
    #expect(child.context.flags == root.context.flags)
    // Nobody knows of a trace id of another's making that it is random.
    #expect(try #require(tracer.start(parent: parent(sampled: true), isRemote: true)).context.flags == SpanContext.sampled)
  }

  @Test func processParent() throws {
    process.options.pointee.processParent = parent(sampled: true)
    let span = try #require(tracer.start(parent: nil, isRemote: false))
    #expect(span.parentID == 3 && span.parentIsRemote && span.context.traceHigh == 1 && span.context.traceLow == 2)
    let child = try #require(tracer.start(parent: span.context, isRemote: false))
    #expect(child.parentID == span.context.spanID && !child.parentIsRemote)
  }

  @Test func disabledPassesTheParentOn() throws {
    process.options.pointee.isDisabled = true
    #expect(tracer.start(parent: nil, isRemote: false) == nil)
    let span = try #require(tracer.start(parent: parent(sampled: true), isRemote: true))
    #expect(span.context.spanID == 3 && span.context.traceLow == 2 && span.context.isSampled && !span.isRecording)
  }

  @Test func withoutAnExporterNothingIsRecorded() throws {
    process.options.pointee.exportsToRelay = false
    let span = try #require(tracer.start(parent: nil, isRemote: false))
    #expect(span.context.isSampled && !span.isRecording)
  }

  // MARK: Two halves

  @Test func resumesWhatWasSuspended() throws {
    let span = try suspended()
    #expect(process.memory.claimedSlots == 1)
    var recorder = try #require(tracer.resume(span))
    recorder.set("second", 2)
    tracer.end(recorder, of: span, scope: .curl, at: 0)
    let decoded = try #require(process.spans.first)
    #expect(decoded.attributes.map(\.key) == ["first", "second"])
    #expect(process.memory.claimedSlots == 0)
  }

  @Test func endsWhenItIsSaidTo() throws {
    for (offset, expected) in [(UInt64(1_000_000), UInt64(1_000_000)), (0, 0)] {
      let span = try suspended()
      let started = span.startTime &- process.state.clock.load()
      tracer.end(try #require(tracer.resume(span)), of: span, scope: .curl, at: started &+ offset)
      #expect(try #require(process.spans.last).end == span.startTime &+ expected)
    }
    // Never before it began.
    let span = try suspended()
    tracer.end(try #require(tracer.resume(span)), of: span, scope: .curl, at: 1)
    #expect(try #require(process.spans.last).end == span.startTime)
  }

  @Test func aForkChildOwnsNoneOfItsParents() throws {
    let span = try suspended()
    #expect(tracer.isOwn(span))
    process.fork()
    #expect(!tracer.isOwn(span))
  }

  @Test func limitsHoldOverBothHalves() throws {
    process.options.pointee.limits.attributeCount = 2
    var span = try #require(tracer.start(parent: nil, isRemote: false))
    var recorder = try #require(tracer.record(&span, name: Text("GET"), kind: .client, scope: .curl))
    recorder.set("a", 1)
    recorder.set("b", 1)
    recorder.set("c", 1)
    tracer.suspend(recorder, of: &span)
    recorder = try #require(tracer.resume(span))
    recorder.set("d", 1)
    tracer.end(recorder, of: span, scope: .curl, at: 0)
    let decoded = try #require(process.spans.first)
    #expect(decoded.attributes.map(\.key) == ["a", "b"])
    #expect(decoded.droppedAttributes == 2)
  }

  @Test func aGrownSpanIsResumed() throws {
    var span = try #require(tracer.start(parent: nil, isRemote: false))
    var recorder = try #require(tracer.record(&span, name: Text("GET"), kind: .client, scope: .curl))
    withText(String(repeating: "v", count: 5000)) { recorder.set("long", $0) }
    tracer.suspend(recorder, of: &span)
    recorder = try #require(tracer.resume(span))
    recorder.set("second", 2)
    tracer.end(recorder, of: span, scope: .curl, at: 0)
    #expect(try #require(process.spans.first).attributes.map(\.key) == ["long", "second"])
    #expect(process.memory.claimedSlots == 0)
  }

  @Test func nothingIsResumedInAForkChild() throws {
    var span = try suspended()
    process.fork()
    #expect(tracer.resume(span) == nil)
    #expect(tracer.record(&span, name: Text("GET"), kind: .client, scope: .curl) == nil)
    tracer.count(.noSlot)
    tracer.abandon(slot: 1)
    #expect(tracer.slotNumber(span) == 0)
  }

  @Test func aForkChildDrawsOtherIDs() throws {
    let before = try #require(tracer.start(parent: nil, isRemote: false))
    process.fork()
    let generation = tracer.prepare()
    #expect(generation != 0 && generation != before.generation)
    // The region is not there: ids only.
    process.options.pointee.exportsToRelay = false
    let after = try #require(tracer.start(parent: nil, isRemote: false))
    #expect(after.context.spanID != before.context.spanID && after.context.traceLow != before.context.traceLow)
  }

  @Test func nothingIsResumedInAnotherRegion() throws {
    let span = try suspended()
    process.replaceRegion()
    #expect(tracer.resume(span) == nil)
    #expect(tracer.slotNumber(span) == 0)
  }

  @Test func anothersSlotIsNotResumed() throws {
    let span = try suspended()
    let slot = try #require(span.slot)
    SharedWord(slot).store(span.context.spanID &+ 1)
    #expect(tracer.resume(span) == nil)
  }

  // MARK: Slots

  @Test func abandons() throws {
    let span = try suspended()
    let ticket = tracer.slotNumber(span)
    #expect(ticket > 0 && ticket <= 0xffff)
    tracer.abandon(slot: ticket)
    #expect(process.memory.claimedSlots == 0)
    #expect(process.memory.host.drops(.neverReturned).load() == 1)
    tracer.abandon(slot: ticket)
    #expect(process.memory.host.drops(.neverReturned).load() == 1)
    #expect(tracer.resume(span) == nil)
  }

  @Test(arguments: [0, -1, 0x7ff, 0xffff, .max, .min]) func abandonsNothingElse(_ ticket: Int) throws {
    _ = try suspended()
    tracer.abandon(slot: ticket)
    #expect(process.memory.claimedSlots == 1)
  }

  @Test func doesNotAbandonInAnotherRegion() throws {
    let span = try suspended()
    let ticket = tracer.slotNumber(span)
    process.replaceRegion()
    // Another call's span, in the slot of that number.
    let slot = try #require(process.memory.slots.slot(number: ticket & 0x7ff))
    SharedWord(slot).store(span.context.spanID ^ 1)
    tracer.abandon(slot: ticket)
    #expect(SharedWord(slot).load() == span.context.spanID ^ 1)
  }

  @Test func countsWhatFindsNoSlot() throws {
    for number in 1...Layout.smallSlotCount { SharedWord(try #require(process.memory.slots.slot(number: number))).store(7) }
    var span = try #require(tracer.start(parent: nil, isRemote: false))
    #expect(tracer.record(&span, name: Text("GET"), kind: .client, scope: .curl) == nil)
  }

  @Test func countsLosses() {
    for loss in [Loss.noSlot, .unresolved, .unresolved, .handleTableFull, .nestedTooDeep, .connectTableFull] { tracer.count(loss) }
    let host = process.memory.host
    #expect(host.drops(.noSlot).load() == 1 && host.drops(.unresolved).load() == 2)
    #expect(host.drops(.handleTableFull).load() == 1 && host.drops(.nestedTooDeep).load() == 1)
    #expect(host.drops(.connectTableFull).load() == 1)
  }
}
