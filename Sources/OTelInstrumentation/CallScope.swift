public import COTelHookABI
import COTelShims
public import OTelAPI
import OTelPrimitives

/// One hooked call between its enter and its exit: the thread's context, and the open span in the wrapper's frame.
///
/// What a thread is in the middle of is a list of at most `OTEL_CALLS_NESTED_MAX` calls, known by the addresses of their frames. Stacks
/// grow down: of two frames on the same stack the lower one is inside of the higher one, or the higher one is dead, left by longjmp. A
/// coroutine has a stack of its own, and to which one an address belongs is known of the thread's own stack alone. So:
///
/// - A call is the parent of another one only when both are on the thread's own stack, near each other. Only there is its frame read:
///   a coroutine's stack may have been unmapped with a call on it.
/// - On other stacks what is near above is taken for the call around this one, and makes the layers below keep silent. Everything else
///   there is taken for dead: its slot is given up, and its span, should it come back, is encoded at its end.
public struct CallScope<T: Tracer> {
  public let tracer: T
  /// In place of the calling thread's; for tests.
  private let givenStack: otel_stack?

  @inline(__always)
  public init(tracer: T) {
    self.tracer = tracer
    givenStack = nil
  }

  package init(tracer: T, stack: otel_stack) {
    self.tracer = tracer
    givenStack = stack
  }

  /// More than lies between a libcurl call and what it calls back, in Python too; less than a coroutine's stack usually has.
  private static var reach: UInt { 32 * 1024 }

  // An entry: the slot's ticket from bit 48 on; in bit 47 whether there is a subject, and in the lowest four bits which; between them the
  // address of the call, a multiple of 16.
  private static func address(_ entry: UInt64) -> UInt { UInt(truncatingIfNeeded: entry & 0x7fff_ffff_fff0) }
  private static func slot(_ entry: UInt64) -> Int { Int(truncatingIfNeeded: entry &>> 48) }
  private static func subject(_ entry: UInt64) -> Int32 { entry & 1 &<< 47 == 0 ? -1 : Int32(truncatingIfNeeded: entry & 15) }

  @inline(__always)
  private static func entry(_ call: UnsafeMutablePointer<otel_call>, slot: Int, subject: Int32) -> UInt64 {
    let place = UInt64(truncatingIfNeeded: UInt(bitPattern: call)) | UInt64(truncatingIfNeeded: slot) &<< 48
    return subject < 0 ? place : place | 1 &<< 47 | UInt64(truncatingIfNeeded: subject & 15)
  }

  @inline(__always)
  private static func entry(_ thread: UnsafeMutablePointer<otel_thread>, _ index: UInt16) -> UnsafeMutablePointer<UInt64> {
    // By address: a C array is a tuple in Swift. `index` is below OTEL_CALLS_NESTED_MAX wherever this is used.
    (UnsafeMutableRawPointer(thread) + 32 + Int(truncatingIfNeeded: index) &* 8).assumingMemoryBound(to: UInt64.self)
  }

  private static var deepest: UInt16 { UInt16(truncatingIfNeeded: OTEL_CALLS_NESTED_MAX) }

  @inline(__always)
  private static func holds(_ stack: otel_stack, _ address: UInt) -> Bool { address &- stack.low < stack.high &- stack.low }

  @inline(__always)
  private var stack: otel_stack { givenStack ?? otel_stack_of_thread() }

  /// Whether the thread is in the middle of a traced call around `frame`; drops those that are dead.
  @inline(__always)
  public func isInsideCall(_ frame: UnsafeMutableRawPointer) -> Bool {
    _ = tracer.prepare()
    let thread = otel_thread_self()
    guard thread.pointee.depth != 0 else { return false }
    return dropDead(thread, frame)
  }

  @inline(never)
  private func dropDead(_ thread: UnsafeMutablePointer<otel_thread>, _ frame: UnsafeMutableRawPointer) -> Bool {
    let here = UInt(bitPattern: frame)
    let stack = stack
    let isOnOwnStack = Self.holds(stack, here)
    if thread.pointee.depth > Self.deepest { thread.pointee.depth = 0 }
    while thread.pointee.depth != 0 {
      let top = Self.entry(thread, thread.pointee.depth &- 1).pointee
      let address = Self.address(top)
      if Self.holds(stack, address) {
        // From a signal handler's stack, or a coroutine's, nothing is to be seen of the thread's own.
        guard isOnOwnStack else { return false }
        if here < address { return true }
      } else if !isOnOwnStack, here < address, address &- here <= Self.reach {
        return true
      }
      thread.pointee.depth &-= 1
      if Self.slot(top) != 0 { tracer.abandon(slot: Self.slot(top)) }
    }
    return false
  }

  private static func canary(_ call: UnsafeMutablePointer<otel_call>, _ generation: UInt64) -> UInt64 {
    (generation &+ 1) &* 0x9e37_79b9_7f4a_7c15 ^ UInt64(truncatingIfNeeded: UInt(bitPattern: call))
  }

  /// The span that the thread is in the middle of. Dead calls have been dropped.
  @inline(__always)
  private func current(_ frame: UnsafeMutableRawPointer) -> SpanContext? {
    let thread = otel_thread_self()
    return thread.pointee.depth == 0 ? nil : current(thread, frame)
  }

  @inline(never)
  private func current(_ thread: UnsafeMutablePointer<otel_thread>, _ frame: UnsafeMutableRawPointer) -> SpanContext? {
    guard thread.pointee.depth <= Self.deepest else { return nil }
    let here = UInt(bitPattern: frame)
    let stack = stack
    guard Self.holds(stack, here) else { return nil }
    var index = thread.pointee.depth
    while index != 0 {
      index &-= 1
      let address = Self.address(Self.entry(thread, index).pointee)
      // Between here and there, all is mapped. A frame that died unnoticed must not become anybody's parent.
      guard Self.holds(stack, address), address > here, address &- here <= Self.reach, let call = UnsafeMutablePointer<otel_call>(bitPattern: address),
        call.pointee.canary == Self.canary(call, call.pointee.generation), call.pointee.generation == thread.pointee.generation
      else { return nil }
      if CallState.isTraced(call) { return CallState.context(call) }
    }
    return nil
  }

  /// What the call around `frame` is about; negative: it has no subject, or there is none.
  @inline(__always)
  public func innermostSubject(_ frame: UnsafeMutableRawPointer) -> Int32 {
    let thread = otel_thread_self()
    guard thread.pointee.depth != 0, dropDead(thread, frame) else { return -1 }
    return Self.subject(Self.entry(thread, thread.pointee.depth &- 1).pointee)
  }

  /// Whether one more call may be entered; counts one that may not.
  @inline(__always)
  public func hasRoom() -> Bool {
    if otel_thread_self().pointee.depth < Self.deepest, !isFaulty("fault: calls are nested within bounds") { return true }
    tracer.count(.nestedTooDeep)
    return false
  }

  /// Starts the span of `call`. Nil: the call is not traced, and `call.state` stays 0.
  /// - Parameter parent: what the call itself brings along (a `traceparent` of its own), which wins.
  @inline(__always)
  public func begin(_ call: UnsafeMutablePointer<otel_call>, parent: SpanContext? = nil) -> OpenSpan? {
    guard hasRoom() else { return nil }
    return tracer.start(parent: parent ?? current(call), isRemote: parent != nil)
  }

  /// Starts a span that is no call's: it may end in another one, on another thread.
  /// - Parameter frame: any address in the calling wrapper's frame.
  @inline(__always)
  public func beginDetached(_ frame: UnsafeMutableRawPointer, parent: SpanContext? = nil) -> OpenSpan? {
    _ = isInsideCall(frame)
    return tracer.start(parent: parent ?? current(frame), isRemote: parent != nil)
  }

  /// Puts the thread into `call`, which has no span of its own, until `leaveWithoutSpan`: the layers below make none either. What starts
  /// meanwhile has the same parent as it would have without. `call.state` stays 0 when calls are nested too deeply.
  @inline(__always)
  public func enterWithoutSpan(_ call: UnsafeMutablePointer<otel_call>, subject: Int32 = -1) {
    _ = isInsideCall(call)
    let thread = otel_thread_self()
    guard hasRoom() else { return }
    CallState.storeUntraced(generation: thread.pointee.generation, in: call)
    call.pointee.canary = Self.canary(call, thread.pointee.generation)
    Self.entry(thread, thread.pointee.depth).pointee = Self.entry(call, slot: 0, subject: subject)
    thread.pointee.depth &+= 1
  }

  @inline(__always)
  public func leaveWithoutSpan(_ call: UnsafeMutablePointer<otel_call>) { _ = leave(call) }

  /// Makes `span` the thread's current one until `leave`.
  /// - Parameter subject: what the call is about, for `innermostSubject`: a number below 16.
  @inline(__always)
  public func enter(_ call: UnsafeMutablePointer<otel_call>, _ span: OpenSpan, subject: Int32 = -1) {
    let thread = otel_thread_self()
    CallState.store(span, in: call)
    call.pointee.canary = Self.canary(call, span.generation)
    Self.entry(thread, thread.pointee.depth).pointee = Self.entry(call, slot: tracer.slotNumber(span), subject: subject)
    thread.pointee.depth &+= 1
  }

  /// Ends the thread's being in `call`; returns its span.
  @inline(__always)
  public func leave(_ call: UnsafeMutablePointer<otel_call>) -> OpenSpan {
    // Anew: a coroutine may have resumed on another thread.
    let thread = otel_thread_self()
    let here = UInt(bitPattern: call)
    let depth = thread.pointee.depth
    if depth != 0, depth <= Self.deepest, thread.pointee.generation == call.pointee.generation {
      if Self.address(Self.entry(thread, depth &- 1).pointee) == here {
        thread.pointee.depth = depth &- 1
      } else {
        removeBuried(thread, here)
      }
    }
    call.pointee.canary = 0
    return CallState.load(call)
  }

  /// Takes away the call at `here` and those above it: of those, the ones with lower frames were left by longjmp.
  @inline(never)
  private func removeBuried(_ thread: UnsafeMutablePointer<otel_thread>, _ here: UInt) {
    var index: UInt16 = 0
    while index < thread.pointee.depth, Self.address(Self.entry(thread, index).pointee) != here { index &+= 1 }
    guard index < thread.pointee.depth else { return }
    while thread.pointee.depth > index {
      thread.pointee.depth &-= 1
      let entry = Self.entry(thread, thread.pointee.depth).pointee
      if Self.address(entry) < here, Self.slot(entry) != 0 { tracer.abandon(slot: Self.slot(entry)) }
    }
  }

  /// The innermost call around `frame`, an address in the unwinder, is being unwound: no exit will come for it.
  public func unwound(_ frame: UnsafeMutableRawPointer) {
    let thread = otel_thread_self()
    // Those of other stacks first.
    guard thread.pointee.depth != 0, dropDead(thread, frame) else { return }
    thread.pointee.depth &-= 1
    let slot = Self.slot(Self.entry(thread, thread.pointee.depth).pointee)
    if slot != 0 { tracer.abandon(slot: slot) }
  }
}
