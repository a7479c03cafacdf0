import COTelHookABI
import COTelShims
import OTelAPI
import OTelInstrumentation
import Testing

/// A thread's own stack, and memory above and below it in which coroutines run, or signal handlers.
@Suite struct OtherStacksTests {
  private enum Place { case above, own, below }
  private static let size = 64
  private let tracer = RecordingTracer()
  private let memory = UnsafeMutablePointer<otel_call>.allocate(capacity: 3 * size)
  private var scope: CallScope<RecordingTracer> {
    CallScope(tracer: tracer, stack: otel_stack(low: UInt(bitPattern: memory + Self.size), high: UInt(bitPattern: memory + 2 * Self.size)))
  }
  private var depth: Int { Int(otel_thread_self().pointee.depth) }

  init() {
    memory.initialize(repeating: otel_call(), count: 3 * Self.size)
    _ = tracer.prepare()
  }

  private func frame(_ place: Place, _ index: Int) -> UnsafeMutablePointer<otel_call> {
    switch place {
    case .above: memory + 2 * Self.size + index
    case .own: memory + Self.size + index
    case .below: memory + index
    }
  }

  /// Looks, begins and enters, as curl_easy_perform does.
  private func enter(_ place: Place, _ index: Int, slot: Int = 0) throws -> OpenSpan {
    _ = scope.isInsideCall(frame(place, index))
    let span = try #require(scope.begin(frame(place, index)))
    tracer.log.slotNumbers[span.context.spanID] = slot
    scope.enter(frame(place, index), span, subject: 3)
    return span
  }

  /// A coroutine on whichever stack is in the middle of a call when another one makes one.
  @Test(arguments: [(Place.above, Place.own), (.above, .below), (.above, .above), (.own, .below), (.below, .own), (.below, .above), (.own, .above)])
  private func noParentIsGuessed(_ first: Place, _ second: Place) throws {
    _ = try enter(first, 40)
    let span = try enter(second, 20)
    #expect(span.parentID == 0)
    // Inside of the second one, which is a parent only where that is certain.
    #expect(try #require(scope.beginDetached(frame(second, 10))).parentID == (second == .own ? span.context.spanID : 0))
  }

  /// A frame that is not on the thread's own stack is never read: its memory may be gone.
  @Test func aCallOnAnotherStackKeepsTheLayersBelowSilent() throws {
    _ = try enter(.above, 40, slot: 5)
    memory.advanced(by: 2 * Self.size + 40).pointee.canary ^= 1
    #expect(scope.isInsideCall(frame(.above, 30)))
    #expect(scope.innermostSubject(frame(.above, 30)) == 3)
    // The thread's own stack goes on: that coroutine may never come back.
    #expect(!scope.isInsideCall(frame(.own, 30)))
    #expect(depth == 0 && tracer.log.abandoned == [5])
    #expect(scope.leave(frame(.above, 40)).isRecording)
  }

  @Test func aSignalHandlersStackHidesNothingForGood() throws {
    let span = try enter(.own, 40)
    for place in [Place.above, .below] {
      #expect(!scope.isInsideCall(frame(place, 9)))
      #expect(scope.innermostSubject(frame(place, 9)) == -1)
      let handlers = try #require(scope.begin(frame(place, 9)))
      #expect(handlers.parentID == 0)
      scope.enter(frame(place, 9), handlers)
      _ = scope.leave(frame(place, 9))
    }
    #expect(scope.isInsideCall(frame(.own, 30)))
    #expect(try enter(.own, 30).parentID == span.context.spanID)
  }

  /// Coroutines that were left in the middle of a call, and whose stacks are gone, use up no room.
  @Test func stacksThatAreGoneDoNotFillTheList() throws {
    for number in 1...20 { _ = try enter(number % 2 == 0 ? .above : .below, number, slot: number) }
    #expect(try enter(.own, 40).parentID == 0)
    #expect(depth == 1 && tracer.log.losses.isEmpty && tracer.log.abandoned.count == 20)
  }

  @Test func farAboveIsNoParent() throws {
    let far = 40_000
    let stack = UnsafeMutableRawPointer.allocate(byteCount: far + 4096, alignment: 16)
    let low = UInt(bitPattern: stack)
    func call(_ offset: Int) -> UnsafeMutablePointer<otel_call> {
      (stack + offset).bindMemory(to: otel_call.self, capacity: 1)
    }
    call(far).initialize(to: otel_call())
    call(0).initialize(to: otel_call())
    let own = CallScope(tracer: tracer, stack: otel_stack(low: low, high: low + UInt(far) + 4096))
    own.enter(call(far), try #require(own.begin(call(far))))
    // A long way down a call goes on, and what is below it is still below it.
    #expect(own.isInsideCall(call(0)))
    #expect(try #require(own.begin(call(0))).parentID == 0)
    _ = own.leave(call(far))
    // Where the thread's own stack is not known, all is another's.
    let unknown = CallScope(tracer: tracer, stack: otel_stack(low: 0, high: 0))
    unknown.enter(call(far), try #require(unknown.begin(call(far))))
    #expect(!unknown.isInsideCall(call(0)) && depth == 0)
    unknown.enter(call(4096), try #require(unknown.begin(call(4096))))
    #expect(unknown.isInsideCall(call(0)))
    #expect(try #require(unknown.begin(call(0))).parentID == 0)
  }

  @Test func theUnwinderGivesUpItsOwnStacksCall() throws {
    _ = try enter(.own, 40, slot: 1)
    _ = try enter(.above, 40, slot: 2)
    scope.unwound(frame(.above, 20))
    #expect(depth == 1 && tracer.log.abandoned == [2])
    scope.unwound(frame(.above, 20))
    #expect(depth == 1)
    scope.unwound(frame(.own, 20))
    #expect(depth == 0 && tracer.log.abandoned == [2, 1])
  }
}
