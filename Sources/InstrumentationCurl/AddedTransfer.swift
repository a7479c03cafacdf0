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

  /// Where its span is kept.
  @inline(__always)
  var call: UnsafeMutablePointer<otel_call> { otel_curl_transfer(handle.record) }

  @inline(__always)
  private var stage: UnsafeMutablePointer<UInt8> { otel_curl_stage(Int32(truncatingIfNeeded: EasyHandleTable.index(of: handle))) }

  @inline(__always)
  var multi: UnsafeMutableRawPointer? { UnsafeMutableRawPointer(mutating: call.pointee.subject) }

  /// Of its record: the index in the table, from 1 on.
  @inline(__always)
  private var number: UInt16 { UInt16(truncatingIfNeeded: EasyHandleTable.index(of: handle) &+ 1) }

  /// When the first driving call after the addition began, CLOCK_MONOTONIC. 0: there was none.
  @inline(__always)
  var drivenAt: UInt64 { call.pointee.detail }

  /// Whether the URL was known when the span began.
  @inline(__always)
  var hasURL: Bool { call.pointee.canary != 0 }

  /// The span is in `call` already.
  /// - Parameter entry: of `multi`, if it is kept.
  @inline(__always)
  func begin(in multi: UnsafeMutableRawPointer, _ entry: UnsafeMutablePointer<otel_curl_multi>?) {
    call.pointee.subject = UnsafeRawPointer(multi)
    call.pointee.detail = 0
    call.pointee.canary = handle.hasURL ? 1 : 0
    stage.pointee = UInt8(truncatingIfNeeded: OTEL_CURL_ADDED)
    guard let entry else { return }
    handle.record.pointee.next_undriven = entry.pointee.first_undriven
    entry.pointee.first_undriven = number
    entry.pointee.undriven &+= 1
  }

  /// What else is in `call` stays there.
  /// - Parameter entry: of its multi handle, if it is kept.
  @inline(__always)
  func end(_ entry: UnsafeMutablePointer<otel_curl_multi>?) {
    call.pointee.state = 0
    call.pointee.subject = nil
    stage.pointee = UInt8(truncatingIfNeeded: OTEL_CURL_IDLE)
    // In the middle of their list: the others will be looked for.
    if drivenAt == 0, let entry, entry.pointee.undriven != 0 {
      entry.pointee.undriven &-= 1
      entry.pointee.first_undriven = 0
    }
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
          if added.runs(in: multi) { body(added.handle) }
          member &+= 1
        }
      }
      index &+= 8
    }
  }

  /// Of another multi handle's, which may be another thread's, no more than this is read.
  @inline(__always)
  private func runs(in other: UnsafeMutableRawPointer) -> Bool {
    stage.pointee != UInt8(truncatingIfNeeded: OTEL_CURL_IDLE) && multi == other
  }

  /// A driving call of `multi` begins: the transfers that were added since the last one start with it. Constant time for each of them,
  /// unless one of them has gone again.
  @inline(never)
  static func markDriven(in multi: UnsafeMutableRawPointer, _ entry: UnsafeMutablePointer<otel_curl_multi>, now: UInt64) {
    var rest = entry.pointee.undriven
    var number = entry.pointee.first_undriven
    while rest != 0, number != 0 {
      let added = AddedTransfer(handle: EasyHandleTable.record(Int(truncatingIfNeeded: number) &- 1))
      guard added.runs(in: multi), added.drivenAt == 0 else { break }
      added.call.pointee.detail = now
      rest &-= 1
      number = added.handle.record.pointee.next_undriven
    }
    entry.pointee.undriven = 0
    entry.pointee.first_undriven = 0
    guard rest != 0 else { return }
    forEach(in: multi) { handle in
      let added = AddedTransfer(handle: handle)
      if added.drivenAt == 0 { added.call.pointee.detail = now }
    }
  }
}
