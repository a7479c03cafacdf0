public import COTelHookABI
import COTelShims
public import OTelAPI
import OTelPrimitives

/// One hooked call between its enter and its exit: the thread's context, and the open span in the wrapper's frame.
///
/// What a thread is in the middle of is a stack of at most `OTEL_CALLS_NESTED_MAX` calls, known by the addresses of their frames. A
/// frame at or below the one of a new call is dead (stacks grow down): its call was left by longjmp and never returned. A coroutine on
/// another stack may be taken for dead; then its slot is given up and its span is encoded at its end instead.
public struct CallScope<T: Tracer> {
  public let tracer: T

  @inline(__always)
  public init(tracer: T) { self.tracer = tracer }

  private static func address(_ entry: UInt64) -> UInt64 { entry & 0xffff_ffff_ffff }
  private static func slot(_ entry: UInt64) -> Int { Int(truncatingIfNeeded: entry &>> 48) }

  @inline(__always)
  private static func entry(_ thread: UnsafeMutablePointer<otel_thread>, _ index: UInt16) -> UnsafeMutablePointer<UInt64> {
    // By address: a C array is a tuple in Swift. `index` is below OTEL_CALLS_NESTED_MAX wherever this is used.
    (UnsafeMutableRawPointer(thread) + 32 + Int(truncatingIfNeeded: index) &* 8).assumingMemoryBound(to: UInt64.self)
  }

  private static var deepest: UInt16 { UInt16(truncatingIfNeeded: OTEL_CALLS_NESTED_MAX) }

  /// Whether the thread is in the middle of a traced call whose frame is alive; drops dead ones.
  @inline(__always)
  public func isInsideCall(_ frame: UnsafeMutableRawPointer) -> Bool {
    _ = tracer.prepare()
    let thread = otel_thread_self()
    guard thread.pointee.depth != 0 else { return false }
    dropDead(thread, frame)
    return thread.pointee.depth != 0
  }

  @inline(never)
  private func dropDead(_ thread: UnsafeMutablePointer<otel_thread>, _ frame: UnsafeMutableRawPointer) {
    let here = UInt64(truncatingIfNeeded: UInt(bitPattern: frame))
    if thread.pointee.depth > Self.deepest { thread.pointee.depth = 0 }
    while thread.pointee.depth != 0 {
      let top = Self.entry(thread, thread.pointee.depth &- 1).pointee
      guard here >= Self.address(top) else { return }
      thread.pointee.depth &-= 1
      if Self.slot(top) != 0 { tracer.abandon(slot: Self.slot(top)) }
    }
  }

  private static func canary(_ call: UnsafeMutablePointer<otel_call>, _ generation: UInt64) -> UInt64 {
    (generation &+ 1) &* 0x9e37_79b9_7f4a_7c15 ^ UInt64(truncatingIfNeeded: UInt(bitPattern: call))
  }

  /// The call with this index, unless it is no more: a frame that died unnoticed must not become anybody's parent.
  @inline(__always)
  private func call(_ thread: UnsafeMutablePointer<otel_thread>, _ index: UInt16) -> UnsafeMutablePointer<otel_call>? {
    let address = UInt(truncatingIfNeeded: Self.address(Self.entry(thread, index).pointee))
    guard let call = UnsafeMutablePointer<otel_call>(bitPattern: address),
      call.pointee.canary == Self.canary(call, call.pointee.generation), call.pointee.generation == thread.pointee.generation
    else { return nil }
    return call
  }

  /// The span that the thread is in the middle of.
  @inline(__always)
  private func current(_ thread: UnsafeMutablePointer<otel_thread>) -> SpanContext? {
    guard thread.pointee.depth <= Self.deepest else { return nil }
    var index = thread.pointee.depth
    while index != 0 {
      index &-= 1
      guard let call = call(thread, index) else { return nil }
      if CallState.isTraced(call) { return CallState.context(call) }
    }
    return nil
  }

  /// What the innermost call of the thread is about; nil: it has no subject, or there is none.
  @inline(__always)
  public func innermostSubject() -> UnsafeRawPointer? {
    let thread = otel_thread_self()
    guard thread.pointee.depth != 0, thread.pointee.depth <= Self.deepest else { return nil }
    return call(thread, thread.pointee.depth &- 1)?.pointee.subject
  }

  /// Whether one more call may be entered; counts one that may not.
  @inline(__always)
  public func hasRoom() -> Bool {
    if otel_thread_self().pointee.depth < Self.deepest { return true }
    tracer.count(.nestedTooDeep)
    return false
  }

  /// Starts the span of `call`. Nil: the call is not traced, and `call.state` stays 0.
  /// - Parameter parent: what the call itself brings along (a `traceparent` of its own), which wins.
  @inline(__always)
  public func begin(_ call: UnsafeMutablePointer<otel_call>, parent: SpanContext? = nil) -> OpenSpan? {
    guard hasRoom() else { return nil }
    return tracer.start(parent: parent ?? current(otel_thread_self()), isRemote: parent != nil)
  }

  /// Starts a span that is no call's: it may end in another one, on another thread.
  /// - Parameter frame: any address in the calling wrapper's frame.
  @inline(__always)
  public func beginDetached(_ frame: UnsafeMutableRawPointer, parent: SpanContext? = nil) -> OpenSpan? {
    _ = isInsideCall(frame)
    return tracer.start(parent: parent ?? current(otel_thread_self()), isRemote: parent != nil)
  }

  /// Puts the thread into `call`, which has no span of its own, until `leaveWithoutSpan`: the layers below make none either. What starts
  /// meanwhile has the same parent as it would have without. `call.state` stays 0 when calls are nested too deeply.
  @inline(__always)
  public func enterWithoutSpan(_ call: UnsafeMutablePointer<otel_call>, subject: UnsafeRawPointer? = nil) {
    _ = isInsideCall(call)
    let thread = otel_thread_self()
    guard hasRoom() else { return }
    call.pointee.subject = subject
    CallState.storeUntraced(generation: thread.pointee.generation, in: call)
    call.pointee.canary = Self.canary(call, thread.pointee.generation)
    Self.entry(thread, thread.pointee.depth).pointee = UInt64(truncatingIfNeeded: UInt(bitPattern: call))
    thread.pointee.depth &+= 1
  }

  @inline(__always)
  public func leaveWithoutSpan(_ call: UnsafeMutablePointer<otel_call>) { _ = leave(call) }

  /// Makes `span` the thread's current one until `leave`.
  /// - Parameter subject: what the call is about, for `innermostSubject`.
  @inline(__always)
  public func enter(_ call: UnsafeMutablePointer<otel_call>, _ span: OpenSpan, subject: UnsafeRawPointer? = nil) {
    let thread = otel_thread_self()
    call.pointee.subject = subject
    CallState.store(span, in: call)
    call.pointee.canary = Self.canary(call, span.generation)
    let number = UInt64(truncatingIfNeeded: tracer.slotNumber(span))
    Self.entry(thread, thread.pointee.depth).pointee = UInt64(truncatingIfNeeded: UInt(bitPattern: call)) | number &<< 48
    thread.pointee.depth &+= 1
  }

  /// Ends the thread's being in `call`; returns its span.
  @inline(__always)
  public func leave(_ call: UnsafeMutablePointer<otel_call>) -> OpenSpan {
    // Anew: a coroutine may have resumed on another thread.
    let thread = otel_thread_self()
    let here = UInt64(truncatingIfNeeded: UInt(bitPattern: call))
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
  private func removeBuried(_ thread: UnsafeMutablePointer<otel_thread>, _ here: UInt64) {
    var index: UInt16 = 0
    while index < thread.pointee.depth, Self.address(Self.entry(thread, index).pointee) != here { index &+= 1 }
    guard index < thread.pointee.depth else { return }
    while thread.pointee.depth > index {
      thread.pointee.depth &-= 1
      let entry = Self.entry(thread, thread.pointee.depth).pointee
      if Self.address(entry) < here, Self.slot(entry) != 0 { tracer.abandon(slot: Self.slot(entry)) }
    }
  }

  /// The innermost call of this thread is being unwound: no exit will come for it.
  public func unwound() {
    let thread = otel_thread_self()
    guard thread.pointee.depth != 0, thread.pointee.depth <= Self.deepest else { return }
    thread.pointee.depth &-= 1
    let slot = Self.slot(Self.entry(thread, thread.pointee.depth).pointee)
    if slot != 0 { tracer.abandon(slot: slot) }
  }
}
