public import COTelHookABI
public import OTelAPI
public import OTelInstrumentation
import OTelPrimitives

/// Traces `curl_easy_perform`: one CLIENT span a transfer, its context in the request.
///
/// Generic over the tracer, so that it knows nothing of the SDK. Any thread; async-signal-safe; allocates never.
public struct CurlInstrumentor<T: Tracer> {
  let tracer: T

  @inline(__always)
  public init(tracer: T) { self.tracer = tracer }

  // MARK: Handles

  @inline(__always)
  public func opened(_ library: UnsafePointer<otel_curl_library>, _ easy: UnsafeMutableRawPointer) {
    if EasyHandleTable.insert(easy, library: library) == nil { tracer.count(.handleTableFull) }
  }

  @inline(__always)
  public func copied(_ library: UnsafePointer<otel_curl_library>, from source: UnsafeMutableRawPointer, to easy: UnsafeMutableRawPointer) {
    guard let copy = EasyHandleTable.insert(easy, library: library) else {
      tracer.count(.handleTableFull)
      return
    }
    if let known = EasyHandleTable.find(source) {
      copy.copyOptions(from: known)
      // Duplicated in a callback of its own transfer, it was given our list; the program's is what it is to have.
      if known.record.pointee.injecting != 0 { _ = otel_curl_set_headers(library, easy, known.record.pointee.headers) }
    }
  }

  @inline(__always)
  public func reset(_ easy: UnsafeMutableRawPointer) { EasyHandleTable.find(easy)?.clear() }

  @inline(__always)
  public func closed(_ easy: UnsafeMutableRawPointer) { EasyHandleTable.remove(easy) }

  @inline(__always)
  public func followed(_ easy: UnsafeMutableRawPointer, option: Int32, value: UInt) {
    EasyHandleTable.find(easy)?.follow(Int(option), value)
  }

  @inline(__always)
  public func library(_ easy: UnsafeMutableRawPointer) -> UnsafePointer<otel_curl_library>? {
    EasyHandleTable.find(easy)?.record.pointee.library
  }

  // MARK: A transfer

  @inline(__always)
  public func performEnter(
    _ call: UnsafeMutablePointer<otel_call>, _ library: UnsafePointer<otel_curl_library>, _ easy: UnsafeMutableRawPointer
  ) {
    let scope = CallScope(tracer: tracer)
    // A transfer inside a callback of another one is a request of its own; but frames that died must be known first.
    _ = scope.isInsideCall(call)
    let handle = EasyHandleTable.find(easy)
    if let handle, handle.record.pointee.url_kind == URLKind.other { return }
    var found = HeaderInjection.Found.nothing
    if let handle { found = HeaderInjection(handle: handle).find() }
    var parent: SpanContext?
    var mayInject = tracer.isPropagated && handle?.record.pointee.unified_headers == 0
    if case .context(let own) = found {
      parent = own
      mayInject = false
    }
    guard var span = scope.begin(call, parent: parent) else { return }
    let transfer = TransferSpan(handle: handle, library: library, easy: easy)
    tracer.openHalf(&span, name: transfer.name, kind: .client, scope: .curl) { transfer.writeStart(&$0) }
    if mayInject, let handle {
      HeaderInjection(handle: handle).inject(span.context, traceState: tracer.traceState(span), library: library, into: easy)
    }
    scope.enter(call, span)
  }

  @inline(__always)
  public func performExit(
    _ call: UnsafeMutablePointer<otel_call>, _ library: UnsafePointer<otel_curl_library>, _ easy: UnsafeMutableRawPointer, _ result: Int32
  ) {
    let span = CallScope(tracer: tracer).leave(call)
    let handle = EasyHandleTable.find(easy)
    if let handle { HeaderInjection(handle: handle).withdraw(library: library, from: easy) }
    guard span.isRecording else { return }
    let transfer = TransferSpan(handle: handle, library: library, easy: easy)
    tracer.closeHalf(span, name: transfer.name, kind: .client, scope: .curl) {
      transfer.writeStart(&$0)
    } end: {
      transfer.writeEnd(&$0, result: result)
    }
  }
}
