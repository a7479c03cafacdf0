public import COTelHookABI
import COTelShims
import OTelAPI
public import OTelInstrumentation
import OTelPrimitives

/// Transfers in a multi handle: one CLIENT span each, from curl_multi_add_handle on. It is nobody's frame but the easy handle's record
/// that keeps the span: who adds a transfer, who drives it and who reads that it is done may be three threads.
extension CurlInstrumentor {
  @inline(__always)
  public func multiLibrary(_ multi: UnsafeMutableRawPointer) -> UnsafePointer<otel_curl_library>? {
    MultiHandleTable.find(multi)?.pointee.library
  }

  @inline(__always)
  public func currentLibrary(_ frame: UnsafeMutableRawPointer) -> Int32 { CallScope(tracer: tracer).innermostSubject(frame) }

  /// Sets `call.state` when a failure is of interest, and `call.detail` when a span was started.
  @inline(__always)
  public func multiAddEnter(
    _ call: UnsafeMutablePointer<otel_call>, _ library: UnsafePointer<otel_curl_library>, _ multi: UnsafeMutableRawPointer,
    _ easy: UnsafeMutableRawPointer
  ) {
    let entry = MultiHandleTable.entry(multi, library: library)
    // Whatever it is, and traced or not: libcurl will count it.
    if let entry { entry.pointee.running &+= 1 }
    call.pointee.state = 1
    call.pointee.detail = 0
    // What is being transferred already libcurl refuses.
    guard let handle = EasyHandleTable.find(easy), !handle.isTransferring, !handle.makesNoRequest, !handle.isExcluded, !OtherSDK.owns(handle)
    else { return }
    let added = AddedTransfer(handle: handle)
    guard start(added.call, handle, library, easy, around: call) else { return }
    added.begin(in: multi, entry)
    call.pointee.detail = 1
  }

  @inline(__always)
  public func multiAddFailed(
    _ call: UnsafeMutablePointer<otel_call>, _ multi: UnsafeMutableRawPointer, _ easy: UnsafeMutableRawPointer
  ) {
    let entry = MultiHandleTable.find(multi)
    if let entry { entry.pointee.running &-= 1 }
    guard call.pointee.detail != 0, let handle = EasyHandleTable.find(easy), let library = handle.record.pointee.library else { return }
    // No transfer, no span.
    let added = AddedTransfer(handle: handle)
    HeaderInjection(handle: handle).withdraw(library: library, from: easy)
    tracer.discard(CallState.load(added.call))
    added.end(entry)
  }

  // MARK: Driving calls

  @inline(__always)
  public func driveEnter(_ call: UnsafeMutablePointer<otel_call>, _ multi: UnsafeMutableRawPointer) {
    guard let entry = MultiHandleTable.find(multi) else { return }
    if entry.pointee.undriven != 0 { AddedTransfer.markDriven(in: multi, entry, now: otel_monotonic()) }
    CallScope(tracer: tracer).enterWithoutSpan(call, subject: entry.pointee.library.map { Int32(truncatingIfNeeded: $0.pointee.number) } ?? -1)
    call.pointee.detail = UInt64(truncatingIfNeeded: UInt(bitPattern: entry))
  }

  @inline(__always)
  public func driveExit(_ call: UnsafeMutablePointer<otel_call>, _ multi: UnsafeMutableRawPointer, _ running: Int32) {
    CallScope(tracer: tracer).leaveWithoutSpan(call)
    // Cleaned up by a callback, against libcurl's rules, it would be another's now.
    guard let entry = MultiHandleTable.entry(at: call.pointee.detail, of: multi) else { return }
    if running < 0 {
      // Not told: any may be done, and any may run.
      if entry.pointee.running == 0 { entry.pointee.running = 1 }
    } else {
      let number = UInt32(truncatingIfNeeded: running)
      guard number != entry.pointee.running else { return }
      entry.pointee.running = number
    }
    entry.pointee.changed = otel_monotonic()
  }

  // MARK: Ends

  /// The program has read the transfer's result.
  @inline(__always)
  public func multiDone(_ easy: UnsafeMutableRawPointer, _ result: Int32) {
    guard let handle = EasyHandleTable.find(easy) else { return }
    endTransfer(of: handle, easy, result: result)
  }

  @inline(__always)
  public func multiRemoved(_ easy: UnsafeMutableRawPointer) {
    guard let handle = EasyHandleTable.find(easy) else { return }
    endTransfer(of: handle, easy, result: nil)
  }

  @inline(__always)
  public func multiClosed(_ multi: UnsafeMutableRawPointer) {
    guard let entry = MultiHandleTable.find(multi) else { return }
    AddedTransfer.forEach(in: multi) { handle in
      guard let easy = UnsafeMutableRawPointer(bitPattern: UInt(truncatingIfNeeded: handle.record.pointee.key)) else { return }
      endTransfer(of: handle, easy, result: nil)
    }
    MultiHandleTable.remove(entry)
  }

  /// Ends the transfer of `handle`, if it has one.
  /// - Parameter result: nil when the program never read it: then what libcurl tells has to do.
  @inline(never)
  func endTransfer(of handle: EasyHandle, _ easy: UnsafeMutableRawPointer, result: Int32?) {
    guard handle.isAdded, let library = handle.record.pointee.library else { return }
    let added = AddedTransfer(handle: handle)
    let entry = added.multi.flatMap { MultiHandleTable.find($0) }
    HeaderInjection(handle: handle).withdraw(library: library, from: easy)
    finish(added, entry, library, easy, result: result)
    added.end(entry)
  }

  @inline(__always)
  private func finish(
    _ added: AddedTransfer, _ entry: UnsafeMutablePointer<otel_curl_multi>?, _ library: UnsafePointer<otel_curl_library>,
    _ easy: UnsafeMutableRawPointer, result: Int32?
  ) {
    let span = CallState.load(added.call)
    // A fork child ends no span of its parent's.
    guard span.isRecording, tracer.isOwn(span) else { return }
    let drivenAt = added.drivenAt
    // Taken out before it began: nothing was requested, and what libcurl tells is about the handle's last transfer.
    if entry != nil, drivenAt == 0 { return tracer.discard(span) }
    let ending = TransferEnd(library: library, easy: easy, multi: entry, drivenAt: drivenAt)
    let transfer = TransferSpan(handle: added.handle, library: library, easy: easy, settings: settings, hasURL: added.hasURL)
    close(added.call, transfer, result: result ?? ending.guessedResult, from: drivenAt, at: ending.time(result: result))
  }

  /// Gives up a transfer whose handle was cleaned up unseen: its address is another handle's now.
  @inline(__always)
  func forgetTransfer(of handle: EasyHandle) {
    guard handle.isAdded else { return }
    let added = AddedTransfer(handle: handle)
    let slot = tracer.slotNumber(CallState.load(added.call))
    added.end(nil)
    if slot != 0 { tracer.abandon(slot: slot) }
  }
}
