import COTelHookABI
import COTelShims
import OTelAPI
import OTelInstrumentation
import Testing

/// One stack in one piece of memory: the higher the index, the further out the frame.
private final class Frames {
  var stack: otel_stack { otel_stack(low: UInt(bitPattern: memory), high: UInt(bitPattern: memory + 16)) }
  private let memory = UnsafeMutablePointer<otel_call>.allocate(capacity: 16)
  init() { memory.initialize(repeating: otel_call(), count: 16) }
  deinit { memory.deallocate() }
  subscript(_ index: Int) -> UnsafeMutablePointer<otel_call> { memory + index }
}

@Suite struct CallScopeTests {
  private let tracer = RecordingTracer()
  private let frames = Frames()
  private var scope: CallScope<RecordingTracer> { CallScope(tracer: tracer, stack: frames.stack) }
  private var depth: Int { Int(otel_thread_self().pointee.depth) }

  init() { _ = tracer.prepare() }

  /// Enters a call as a hook does; `slot` is what its span's slot is named.
  private func enter(_ frame: Int, slot: Int = 0, looks: Bool = true) throws -> OpenSpan {
    if looks { _ = scope.isInsideCall(frames[frame]) }
    let span = try #require(scope.begin(frames[frame]))
    tracer.log.slotNumbers[span.context.spanID] = slot
    scope.enter(frames[frame], span)
    return span
  }

  @Test func callsNest() throws {
    #expect(!scope.isInsideCall(frames[15]))
    var spans: [OpenSpan] = []
    for frame in [14, 10, 6, 2] {
      spans.append(try enter(frame))
      #expect(scope.isInsideCall(frames[frame - 1]))
    }
    #expect(spans[0].parentID == 0)
    for index in 1..<4 {
      #expect(spans[index].parentID == spans[index - 1].context.spanID)
      #expect(spans[index].context.traceLow == spans[0].context.traceLow && !spans[index].parentIsRemote)
    }
    // A fifth is not followed, and counted.
    #expect(scope.isInsideCall(frames[1]))
    #expect(scope.begin(frames[1]) == nil)
    #expect(tracer.log.losses.count == 1)
    for (index, frame) in [2, 6, 10, 14].enumerated() {
      #expect(scope.leave(frames[frame]).context.spanID == spans[3 - index].context.spanID)
      #expect(depth == 3 - index)
      #expect(frames[frame].pointee.canary == 0)
    }
    #expect(!scope.isInsideCall(frames[1]))
    #expect(tracer.log.abandoned.isEmpty)
  }

  @Test func aParentOfItsOwnWins() throws {
    _ = try enter(14)
    let own = SpanContext(traceHigh: 7, traceLow: 8, spanID: 9, flags: 1)
    let span = try #require(scope.begin(frames[10], parent: own))
    #expect(span.parentID == 9 && span.parentIsRemote && span.context.traceHigh == 7)
  }

  /// longjmp over the exit of a call: seen when a frame at or above it is used next.
  @Test(arguments: [(5, false), (9, false), (4, true)]) func aDeadFrameIsDropped(_ next: Int, _ isAlive: Bool) throws {
    _ = try enter(5, slot: 77)
    #expect(scope.isInsideCall(frames[next]) == isAlive)
    #expect(tracer.log.abandoned == (isAlive ? [] : [77]))
    #expect(try #require(scope.begin(frames[next])).parentID == (isAlive ? 1 : 0))
  }

  @Test func onlyTheDeadOnesAreDropped() throws {
    let outer = try enter(14, slot: 1)
    _ = try enter(8, slot: 2)
    _ = try enter(4, slot: 3)
    #expect(scope.isInsideCall(frames[9]))
    #expect(tracer.log.abandoned == [3, 2])
    #expect(try #require(scope.begin(frames[9])).parentID == outer.context.spanID)
  }

  @Test func deadFramesAreGivenUpWhenTheOuterCallReturns() throws {
    let outer = try enter(14, slot: 1)
    _ = try enter(8, slot: 2)
    _ = try enter(4, slot: 3)
    #expect(scope.leave(frames[14]).context.spanID == outer.context.spanID)
    #expect(depth == 0)
    #expect(tracer.log.abandoned == [3, 2])
  }

  @Test func manyLongjmpsNeverFillTheStack() throws {
    for number in 1...100 { _ = try enter(5, slot: number) }
    #expect(depth == 1)
    #expect(tracer.log.abandoned == Array(1...99))
    #expect(tracer.log.losses.isEmpty)
  }

  /// Two coroutines: a call on another, higher stack is in progress when the first one's returns.
  @Test func callsLeaveOutOfOrder() throws {
    let first = try enter(5, slot: 1)
    let second = try enter(9, slot: 2, looks: false)
    #expect(scope.leave(frames[5]).context.spanID == first.context.spanID)
    #expect(scope.leave(frames[9]).context.spanID == second.context.spanID)
    #expect(depth == 0)
    #expect(tracer.log.abandoned.isEmpty)
  }

  @Test func aCallOfAnotherThreadIsLeftAlone() throws {
    let span = try enter(9)
    let elsewhere = try #require(tracer.start(parent: nil, isRemote: false))
    CallState.store(elsewhere, in: frames[3])
    #expect(scope.leave(frames[3]).context.spanID == elsewhere.context.spanID)
    #expect(depth == 1)
    #expect(scope.leave(frames[9]).context.spanID == span.context.spanID)
  }

  @Test func aFrameThatWasOverwrittenIsNobodysParent() throws {
    _ = try enter(9)
    frames[9].pointee.canary ^= 1
    #expect(try #require(scope.begin(frames[5])).parentID == 0)
    // The whole of another call, at this address, is none either.
    _ = try enter(4)
    frames[9].pointee = frames[4].pointee
    _ = scope.leave(frames[4])
    #expect(try #require(scope.begin(frames[3])).parentID == 0)
  }

  @Test func anotherGenerationStartsAnew() throws {
    let before = try enter(9, slot: 4)
    tracer.log.generation ^= 2
    #expect(!scope.isInsideCall(frames[5]))
    // The slot was the parent process's: nothing to give up here.
    #expect(tracer.log.abandoned.isEmpty)
    let after = try enter(5)
    #expect(after.parentID == 0)
    // The fork was inside of the outer call, whose exit comes in the child too.
    #expect(scope.leave(frames[5]).context.spanID == after.context.spanID)
    #expect(scope.leave(frames[9]).context.spanID == before.context.spanID)
    #expect(depth == 0)
  }

  /// A call without a span is one for the layers below, and none for what asks for a parent.
  @Test func aCallWithoutASpan() throws {
    scope.enterWithoutSpan(frames[14])
    #expect(scope.isInsideCall(frames[10]) && depth == 1)
    #expect(try #require(scope.beginDetached(frames[10])).parentID == 0)
    let span = try enter(10)
    #expect(span.parentID == 0)
    scope.enterWithoutSpan(frames[6])
    #expect(try #require(scope.beginDetached(frames[5])).parentID == span.context.spanID)
    #expect(try #require(scope.begin(frames[5])).parentID == span.context.spanID)
    scope.leaveWithoutSpan(frames[6])
    _ = scope.leave(frames[10])
    scope.leaveWithoutSpan(frames[14])
    #expect(depth == 0 && tracer.log.abandoned.isEmpty)
    // Left by longjmp, it is dead like any other.
    scope.enterWithoutSpan(frames[5])
    #expect(!scope.isInsideCall(frames[9]))
  }

  @Test func theInnermostCallHasItsSubject() throws {
    #expect(scope.innermostSubject(frames[11]) == -1)
    scope.enter(frames[9], try #require(scope.begin(frames[9])), subject: 0)
    #expect(scope.innermostSubject(frames[8]) == 0)
    scope.enterWithoutSpan(frames[5], subject: 15)
    #expect(scope.innermostSubject(frames[4]) == 15)
    // What is in the frame says nothing: it is not read.
    frames[5].pointee.canary ^= 1
    #expect(scope.innermostSubject(frames[4]) == 15)
    scope.leaveWithoutSpan(frames[5])
    #expect(scope.innermostSubject(frames[8]) == 0)
    _ = scope.leave(frames[9])
    #expect(scope.innermostSubject(frames[8]) == -1)
    scope.enterWithoutSpan(frames[9])
    #expect(scope.innermostSubject(frames[8]) == -1)
  }

  @Test func aDetachedSpanIsInNoFrame() throws {
    let outer = try enter(9)
    let span = try #require(scope.beginDetached(frames[5]))
    #expect(span.parentID == outer.context.spanID && depth == 1)
    _ = scope.leave(frames[9])
    #expect(try #require(scope.beginDetached(frames[5])).parentID == 0)
  }

  @Test func tooManyCallsWithoutASpan() throws {
    for frame in [14, 12, 10, 8] { scope.enterWithoutSpan(frames[frame]) }
    frames[6].pointee.state = 0
    scope.enterWithoutSpan(frames[6])
    #expect(frames[6].pointee.state == 0 && depth == 4 && tracer.log.losses.count == 1)
    for frame in [8, 10, 12, 14] { scope.leaveWithoutSpan(frames[frame]) }
    #expect(depth == 0)
  }

  @Test func anUnwoundCallIsGivenUp() throws {
    _ = try enter(9, slot: 4)
    _ = try enter(5)
    scope.unwound(frames[3])
    #expect(depth == 1 && tracer.log.abandoned.isEmpty)
    scope.unwound(frames[3])
    #expect(depth == 0 && tracer.log.abandoned == [4])
    scope.unwound(frames[3])
    #expect(depth == 0)
  }

  @Test func aBrokenDepthIsRepaired() throws {
    let thread = otel_thread_self()
    thread.pointee.depth = 50_000
    #expect(!scope.isInsideCall(frames[5]))
    #expect(depth == 0)
    thread.pointee.depth = 5
    #expect(scope.begin(frames[5]) == nil)
    scope.unwound(frames[3])
    CallState.store(try #require(tracer.start(parent: nil, isRemote: false)), in: frames[5])
    _ = scope.leave(frames[5])
    thread.pointee.depth = 0
  }

  @Test(arguments: [(true, true, 3), (true, false, 1), (false, true, 0), (false, false, 2)] as [(Bool, Bool, UInt8)])
  func stateIsKept(_ isRecording: Bool, _ isRemote: Bool, _ flags: UInt8) {
    let span = OpenSpan(
      context: SpanContext(traceHigh: .max, traceLow: 2, spanID: 3, flags: flags), parentID: 4, parentIsRemote: isRemote, isRecording: isRecording,
      startTime: .max, slot: UnsafeMutableRawPointer(bitPattern: 64), generation: 6)
    CallState.store(span, in: frames[1])
    #expect(frames[1].pointee.state != 0)
    let loaded = CallState.load(frames[1])
    #expect(loaded.context.traceHigh == .max && loaded.context.traceLow == 2 && loaded.context.spanID == 3 && loaded.context.flags == flags)
    #expect(loaded.parentID == 4 && loaded.parentIsRemote == isRemote && loaded.isRecording == isRecording)
    #expect(loaded.startTime == .max && loaded.slot == span.slot && loaded.generation == 6)
  }
}
