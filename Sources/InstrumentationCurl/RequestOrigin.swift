import COTelHookABI
import OTelAPI
import OTelPrimitives

/// Where a request says that it comes from, as the program may have put a context into its headers itself; and what may be added to it.
struct RequestOrigin {
  /// The program's own context, in one of the configured formats; nil when it names none, or no valid one.
  private(set) var parent: SpanContext?
  /// The valid `tracestate` that came with it, in one header; empty: none. The program's memory.
  private(set) var traceState = Text("")
  /// Whether anything may be added.
  private(set) var mayInject = false
  private(set) var mayAddTraceState = true
  private(set) var mayAddBaggage = true
  /// As headers of their own (`BaggageHeader`).
  private(set) var mayAddBaggageHeaders = true
  /// Headers of the program's that are left out.
  private(set) var hidden = ContextFieldSet()

  @inline(__always)
  init(handle: EasyHandle?, _ propagation: Propagation) {
    guard let handle else { return }
    mayInject = Self.mayInject(into: handle, propagation)
    if handle.record.pointee.headers != nil, propagation.isActive { read(handle, propagation) }
  }

  /// Of a request without headers of the program's.
  @inline(__always)
  static func mayInject(into handle: EasyHandle, _ propagation: Propagation) -> Bool {
    propagation.isActive && handle.record.pointee.forbids_headers == 0
  }

  /// Whether there is nothing to know of a request: none of its headers matters, and `traceparent` is all that it gets, if anything.
  @inline(__always)
  static func isOrdinary(_ handle: EasyHandle?, _ propagation: Propagation) -> Bool {
    guard propagation.isPlain else { return false }
    guard let handle, handle.record.pointee.headers != nil else { return true }
    return !hasHeaderThatMatters(handle, propagation.readsOtherFormats)
  }

  @inline(never)
  private static func hasHeaderThatMatters(_ handle: EasyHandle, _ readsOtherFormats: Bool) -> Bool {
    var matters = false
    handle.forEachHeader { if mayMatter($0, readsOtherFormats) { matters = true } }
    return matters
  }

  /// Whether the program says nothing of all this.
  @inline(__always)
  private var isSilent: Bool { mayAddTraceState && mayAddBaggage && mayAddBaggageHeaders && hidden.isEmpty }

  /// Whether `traceparent` alone does.
  @inline(__always)
  func isPlain(_ propagation: Propagation) -> Bool { propagation.isPlain && isSilent }

  /// Whether the program names a `traceparent`, of any value.
  static func namesTraceParent(_ handle: EasyHandle) -> Bool {
    var isThere = false
    handle.forEachHeader { text in
      if ContextField.named(header: Text(cString: text, limit: 64)) == .traceParent { isThere = true }
    }
    return isThere
  }

  /// Whether a header can be one that matters here, by its first two letters.
  /// - Parameter isOther: whether those of other formats than W3C's do.
  @inline(__always)
  private static func mayMatter(_ text: UnsafePointer<CChar>, _ isOther: Bool) -> Bool {
    let first = UInt8(bitPattern: text[0]) | 0x20
    guard first != 0x20 else { return false }
    let second = UInt8(bitPattern: text[1]) | 0x20
    switch first {
    case 0x74: return second == 0x72  // traceparent, tracestate
    case 0x62: return second == 0x61 || isOther && second == 0x33  // baggage, b3
    case 0x78: return isOther && second == 0x2d  // x-b3-…, x-amzn-trace-id
    case 0x75: return isOther && second == 0x62  // uber-trace-id, uberctx-…
    case 0x6f: return isOther && second == 0x74  // ot-tracer-…, ot-baggage-…
    case 0x6a: return isOther && second == 0x61  // jaeger-baggage
    case 0x61: return second == 0x75  // authorization
    case 0x73, 0x64: return second == 0x69  // signature, digest
    default: return false
    }
  }

  @inline(never)
  private mutating func read(_ handle: EasyHandle, _ propagation: Propagation) {
    var fields = ContextFields()
    var state = TraceState()
    var (isSigned, isRemoved) = (false, false)
    handle.forEachHeader { text in
      guard Self.mayMatter(text, propagation.readsOtherFormats) else { return }
      let line = Text(cString: text)
      if let field = ContextField.named(header: line) {
        let end = field.name.count
        let value = line.from(end &+ 1).trimmed
        fields.add(field, value)
        if field == .traceState { state.add(value) }
        // `Name:` takes a header away, `Name;` sends an empty one (CURLOPT_HTTPHEADER(3)).
        if value.isEmpty, line[end] == 0x3a, propagation.identity.contains(field) { isRemoved = true }
      } else if HeaderObstacle.isSignature(line) {
        isSigned = true
      } else if propagation.readsOtherFormats, BaggageHeader.isOne(header: line) {
        mayAddBaggageHeaders = false
      }
    }
    let own = fields.present.intersection(propagation.identity)
    let found = propagation.propagators.extract(fields)
    parent = found?.context
    let keepsTraceState = found?.isTraceContext ?? false && (state.isValid || state.isEmpty)
    if keepsTraceState { traceState = fields[.traceState] }
    if isSigned { mayInject = false }
    mayAddTraceState = !fields.present.contains(.traceState)
    mayAddBaggage = !fields.present.contains(.baggage)
    guard propagation.isReparenting, !isRemoved else {
      // Who names a context says what goes with it, too.
      if !own.isEmpty { mayInject = false }
      return
    }
    hidden = own
    if !mayAddTraceState, !keepsTraceState, propagation.identity.contains(.traceParent) { hidden.insert(.traceState) }
    if !own.isEmpty || !mayAddTraceState { mayAddTraceState = found == nil && !hidden.isEmpty }
  }
}
