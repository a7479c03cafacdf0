public import COTelHookABI
import COTelShims
public import OTelAPI
public import OTelInstrumentation
import OTelPrimitives

/// Traces libcurl's transfers: one CLIENT span each, its context in the request.
///
/// Generic over the tracer, so that it knows nothing of the SDK. Any thread; async-signal-safe; allocates never.
public struct CurlInstrumentor<T: Tracer> {
  let tracer: T
  let settings: UnsafePointer<InstrumentationSettings>

  @inline(__always)
  public init(tracer: T, settings: UnsafePointer<InstrumentationSettings> = UnsafePointer(InstrumentationSettings.installed)) {
    self.tracer = tracer
    self.settings = settings
  }

  @inline(__always)
  private var keepsOptions: Bool { settings.pointee.has(InstrumentationSettings.Feature.requestHeaders) }

  // MARK: Handles

  @inline(__always)
  public func opened(_ library: UnsafePointer<otel_curl_library>, _ easy: UnsafeMutableRawPointer) {
    guard let handle = EasyHandleTable.insert(easy, library: library) else { return tracer.count(.handleTableFull) }
    if keepsOptions { KeptOptions(of: handle).clear() }
    forgetTransfer(of: handle)
  }

  @inline(__always)
  public func copied(_ library: UnsafePointer<otel_curl_library>, from source: UnsafeMutableRawPointer, to easy: UnsafeMutableRawPointer) {
    guard let copy = EasyHandleTable.insert(easy, library: library) else {
      tracer.count(.handleTableFull)
      return
    }
    forgetTransfer(of: copy)
    if let known = EasyHandleTable.find(source) {
      copy.copyOptions(from: known)
      if keepsOptions { KeptOptions(of: copy).copy(from: KeptOptions(of: known)) }
      // Duplicated in a callback of its own transfer, it was given our list; the program's is what it is to have.
      if known.record.pointee.injecting != 0 { _ = otel_curl_set_headers(library, easy, known.record.pointee.headers) }
    }
  }

  @inline(__always)
  public func reset(_ easy: UnsafeMutableRawPointer) {
    guard let handle = EasyHandleTable.find(easy) else { return }
    endTransfer(of: handle, easy, result: nil)
    handle.clear()
    if keepsOptions { KeptOptions(of: handle).clear() }
  }

  @inline(__always)
  public func closed(_ easy: UnsafeMutableRawPointer) {
    guard let handle = EasyHandleTable.find(easy) else { return }
    endTransfer(of: handle, easy, result: nil)
    EasyHandleTable.remove(easy)
  }

  @inline(__always)
  public func followed(_ easy: UnsafeMutableRawPointer, option: Int32, value: UInt) {
    guard let handle = EasyHandleTable.find(easy) else { return }
    handle.follow(Int(option), value, settings)
    if keepsOptions { KeptOptions(of: handle).follow(option, value, settings) }
    // Between its addition and its first driving call a transfer has not read its options yet.
    if option == Int32(OTEL_CURLOPT_HTTPHEADER), handle.isAdded, let library = handle.record.pointee.library {
      injectAgain(handle, library, easy)
    }
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
    // What runs in a multi handle libcurl refuses.
    if let handle, handle.makesNoRequest || handle.isExcluded || handle.isAdded {
      if handle.isExcluded { scope.enterWithoutSpan(call, subject: Int32(truncatingIfNeeded: library.pointee.number)) }
      return
    }
    // Its connects are not ours to tell either.
    if let handle, OtherSDK.owns(handle) { return scope.enterWithoutSpan(call, subject: Int32(truncatingIfNeeded: library.pointee.number)) }
    guard scope.hasRoom(), start(call, handle, library, easy, around: call) else { return }
    call.pointee.detail = handle?.hasURL == true ? 1 : 0
    scope.enter(call, CallState.load(call), subject: Int32(truncatingIfNeeded: library.pointee.number))
  }

  @inline(__always)
  public func performExit(
    _ call: UnsafeMutablePointer<otel_call>, _ library: UnsafePointer<otel_curl_library>, _ easy: UnsafeMutableRawPointer, _ result: Int32
  ) {
    let span = CallScope(tracer: tracer).leave(call)
    let handle = EasyHandleTable.find(easy)
    if let handle { HeaderInjection(handle: handle).withdraw(library: library, from: easy) }
    guard span.isRecording else { return }
    close(call, TransferSpan(handle: handle, library: library, easy: easy, settings: settings, hasURL: call.pointee.detail != 0), result: result, from: 0, at: 0)
  }

  // Out of line: each is used by both interfaces, and everything that it calls is inlined.

  /// Starts a transfer's span and puts its context into the request. False: there is no span.
  /// - Parameters:
  ///   - call: where the span is kept.
  ///   - frame: an address in the calling wrapper's frame.
  @inline(__always)
  func start(
    _ call: UnsafeMutablePointer<otel_call>, _ handle: EasyHandle?, _ library: UnsafePointer<otel_curl_library>, _ easy: UnsafeMutableRawPointer,
    around frame: UnsafeMutableRawPointer
  ) -> Bool {
    RequestOrigin.isOrdinary(handle, tracer.propagation)
      ? startOrdinary(call, handle, library, easy, around: frame) : startFromOrigin(call, handle, library, easy, around: frame)
  }

  @inline(never)
  private func startOrdinary(
    _ call: UnsafeMutablePointer<otel_call>, _ handle: EasyHandle?, _ library: UnsafePointer<otel_curl_library>, _ easy: UnsafeMutableRawPointer,
    around frame: UnsafeMutableRawPointer
  ) -> Bool {
    guard let span = begin(frame, handle, library, easy, parent: nil, traceState: Text("")) else { return false }
    if let handle, RequestOrigin.mayInject(into: handle, tracer.propagation) {
      HeaderInjection(handle: handle).inject(span.context, library: library, into: easy)
    }
    CallState.store(span, in: call)
    return true
  }

  @inline(never)
  private func startFromOrigin(
    _ call: UnsafeMutablePointer<otel_call>, _ handle: EasyHandle?, _ library: UnsafePointer<otel_curl_library>, _ easy: UnsafeMutableRawPointer,
    around frame: UnsafeMutableRawPointer
  ) -> Bool {
    let origin = RequestOrigin(handle: handle, tracer.propagation)
    guard let span = begin(frame, handle, library, easy, parent: origin.parent, traceState: origin.traceState) else { return false }
    if origin.mayInject, let handle { inject(span, origin, handle, library, easy) }
    CallState.store(span, in: call)
    return true
  }

  @inline(__always)
  private func begin(
    _ frame: UnsafeMutableRawPointer, _ handle: EasyHandle?, _ library: UnsafePointer<otel_curl_library>, _ easy: UnsafeMutableRawPointer,
    parent: SpanContext?, traceState: Text
  ) -> OpenSpan? {
    guard var span = CallScope(tracer: tracer).beginDetached(frame, parent: parent) else { return nil }
    let transfer = TransferSpan(handle: handle, library: library, easy: easy, settings: settings, hasURL: handle?.hasURL ?? false)
    tracer.openHalf(&span, name: transfer.name, kind: .client, scope: .curl) {
      transfer.writeStart(&$0, hasHeaders: true)
      $0.setTraceState(traceState)
    }
    return span
  }

  @inline(__always)
  private func inject(
    _ span: OpenSpan, _ origin: RequestOrigin, _ handle: EasyHandle, _ library: UnsafePointer<otel_curl_library>, _ easy: UnsafeMutableRawPointer
  ) {
    let injection = HeaderInjection(handle: handle)
    if origin.isPlain(tracer.propagation) { return injection.inject(span.context, library: library, into: easy) }
    injection.inject(
      span.context, tracer.propagation, origin, withTraceState: !tracer.traceState(span).isEmpty, library: library, into: easy)
  }

  /// The program has set another list while ours was in front: ours goes in front of that one, unless it names a context of its own.
  @inline(never)
  private func injectAgain(_ handle: EasyHandle, _ library: UnsafePointer<otel_curl_library>, _ easy: UnsafeMutableRawPointer) {
    guard handle.record.pointee.injecting != 0 else { return }
    handle.record.pointee.injecting = 0
    let origin = RequestOrigin(handle: handle, tracer.propagation)
    // A context that comes now is not what the span began with.
    guard origin.mayInject, origin.hidden.isEmpty else { return }
    inject(CallState.load(otel_curl_transfer(handle.record)), origin, handle, library, easy)
  }

  /// - Parameters:
  ///   - call: where the span is kept.
  ///   - begin: CLOCK_MONOTONIC, when a driving call began it; 0: it began with the span.
  ///   - time: CLOCK_MONOTONIC; 0: now.
  @inline(__always)
  func close(_ call: UnsafeMutablePointer<otel_call>, _ transfer: TransferSpan, result: Int32, from begin: UInt64, at time: UInt64) {
    if !transfer.hasURL, transfer.isNone { return tracer.discard(CallState.load(call)) }
    // A transfer of a multi handle may have outlived the program's list of headers.
    let hasHeaders = time == 0
    let hasPhases = otel_curl_phases() != OTEL_CURL_PHASES_OFF
    let time = time != 0 || !hasPhases ? time : otel_monotonic()
    // The parent first: it learns a URL that was not known before.
    if !end(call, transfer, result: result, at: time) { endAnew(call, transfer, result: result, at: time, hasHeaders: hasHeaders) }
    if hasPhases { recordPhases(of: CallState.load(call), transfer, result: result, from: begin, to: time) }
  }

  /// False: of the span's beginning nothing is there any more.
  @inline(never)
  private func end(_ call: UnsafeMutablePointer<otel_call>, _ transfer: TransferSpan, result: Int32, at time: UInt64) -> Bool {
    tracer.closeKeptHalf(CallState.load(call), scope: .curl, at: time) { transfer.writeEnd(&$0, result: result) }
  }

  @inline(never)
  private func endAnew(_ call: UnsafeMutablePointer<otel_call>, _ transfer: TransferSpan, result: Int32, at time: UInt64, hasHeaders: Bool) {
    tracer.closeLostHalf(CallState.load(call), name: transfer.name, kind: .client, scope: .curl, at: time) {
      transfer.writeStart(&$0, hasHeaders: hasHeaders)
    } end: {
      transfer.writeEnd(&$0, result: result)
    }
  }

  @inline(never)
  private func recordPhases(of span: OpenSpan, _ transfer: TransferSpan, result: Int32, from begin: UInt64, to end: UInt64) {
    guard let handle = transfer.handle, span.isRecording else { return }
    withUnsafePointer(to: span) {
      TransferPhases(tracer: tracer, span: $0, handle: handle, library: transfer.library, easy: transfer.easy, result: result)
        .record(from: begin != 0 ? begin : span.startTime &- span.clock, isDriven: begin != 0, to: end)
    }
  }
}
