import COTelHookABI
import OTelAPI
import OTelInstrumentation
import OTelPrimitives

/// The transfer of an easy handle that was added to a multi handle, in the easy handle's record. Which records have one is told by one
/// byte for each (`otel_curl_stages`), so that those of a multi handle are found without a look at every record.
///
/// Only who uses a handle writes its record and its byte; what runs in one multi handle belongs to one thread at a time.
struct AddedTransfer {
  let handle: EasyHandle

  @inline(__always)
  init(handle: EasyHandle) { self.handle = handle }

  @inline(__always)
  private var call: UnsafeMutablePointer<otel_call> { otel_curl_transfer(handle.record) }

  @inline(__always)
  private var stage: UnsafeMutablePointer<UInt8> { otel_curl_stage(Int32(truncatingIfNeeded: EasyHandleTable.index(of: handle))) }

  @inline(__always)
  var multi: UnsafeMutableRawPointer? { UnsafeMutableRawPointer(mutating: call.pointee.subject) }

  /// When the first driving call after the addition began, CLOCK_MONOTONIC. 0: there was none.
  @inline(__always)
  var drivenAt: UInt64 { call.pointee.detail }

  /// Whether the URL was known when the span began.
  @inline(__always)
  var hasURL: Bool { call.pointee.canary != 0 }

  @inline(__always)
  func begin(_ span: OpenSpan, in multi: UnsafeMutableRawPointer) {
    CallState.store(span, in: call)
    call.pointee.subject = UnsafeRawPointer(multi)
    call.pointee.detail = 0
    call.pointee.canary = handle.hasURL ? 1 : 0
    stage.pointee = UInt8(truncatingIfNeeded: OTEL_CURL_ADDED)
  }

  @inline(__always)
  func end() -> OpenSpan {
    let span = CallState.load(call)
    call.pointee.state = 0
    call.pointee.subject = nil
    stage.pointee = UInt8(truncatingIfNeeded: OTEL_CURL_IDLE)
    return span
  }

  /// Calls `body` with each handle whose transfer runs in `multi`. Eight at a look.
  @inline(__always)
  static func forEach(in multi: UnsafeMutableRawPointer, _ body: (EasyHandle) -> Void) {
    var index = 0
    while index < Int(OTEL_CURL_HANDLES) {
      if SharedWord(otel_curl_stage(Int32(truncatingIfNeeded: index))).load() != 0 {
        var member = index
        while member < index &+ 8 {
          let added = AddedTransfer(handle: EasyHandleTable.record(member))
          // Another multi handle's may be another thread's: of it no more than this is read.
          if added.stage.pointee != UInt8(truncatingIfNeeded: OTEL_CURL_IDLE), added.multi == multi { body(added.handle) }
          member &+= 1
        }
      }
      index &+= 8
    }
  }

  /// A driving call begins: the transfers that were added since the last one start with it.
  @inline(never)
  static func markDriven(in multi: UnsafeMutableRawPointer, now: UInt64) {
    forEach(in: multi) { handle in
      let added = AddedTransfer(handle: handle)
      guard added.stage.pointee == UInt8(truncatingIfNeeded: OTEL_CURL_ADDED) else { return }
      added.call.pointee.detail = now
      added.stage.pointee = UInt8(truncatingIfNeeded: OTEL_CURL_DRIVEN)
    }
  }
}
