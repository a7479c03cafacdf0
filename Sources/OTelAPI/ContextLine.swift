import COTelShims
public import OTelPrimitives

/// One line of a request's header list, `Name: value` and a NUL, that says which span the request is in one format.
public enum ContextLine: UInt8 {
  case traceParent, b3, b3TraceID, b3SpanID, b3Sampled, uberTraceID, amznTraceID, otTraceID, otSpanID, otSampled

  /// The lines of one format, from the first to the last of them.
  @inline(never)
  public static func lines(of propagator: Propagator) -> (first: ContextLine, last: ContextLine)? {
    switch propagator {
    case .traceContext: (.traceParent, .traceParent)
    case .baggage: nil
    case .b3: (.b3, .b3)
    case .b3multi: (.b3TraceID, .b3Sampled)
    case .jaeger: (.uberTraceID, .uberTraceID)
    case .xray: (.amznTraceID, .amznTraceID)
    case .ottrace: (.otTraceID, .otSampled)
    }
  }

  /// Whether `form` is the line itself, and nothing has to be written.
  public var isConstant: Bool { self == .b3Sampled || self == .otSampled }

  /// The line with zeros for ids. A literal: a NUL is behind it.
  @inline(never)
  public func form(_ context: SpanContext) -> Text {
    switch self {
    case .traceParent: Text("traceparent: 00-00000000000000000000000000000000-0000000000000000-00")
    case .b3: Text("b3: 00000000000000000000000000000000-0000000000000000-0")
    case .b3TraceID: Text("X-B3-TraceId: 00000000000000000000000000000000")
    case .b3SpanID: Text("X-B3-SpanId: 0000000000000000")
    // A debug flag says the decision too ("Debug implies an accept decision, so don't also send the X-B3-Sampled header").
    case .b3Sampled: context.isDebug ? Text("X-B3-Flags: 1") : context.isSampled ? Text("X-B3-Sampled: 1") : Text("X-B3-Sampled: 0")
    case .uberTraceID: Text("uber-trace-id: 00000000000000000000000000000000:0000000000000000:0:0")
    case .amznTraceID: Text("X-Amzn-Trace-Id: Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0")
    case .otTraceID: Text("ot-tracer-traceid: 0000000000000000")
    case .otSpanID: Text("ot-tracer-spanid: 0000000000000000")
    case .otSampled: context.isSampled ? Text("ot-tracer-sampled: true") : Text("ot-tracer-sampled: false")
    }
  }

  /// Writes the line and its NUL, one byte more than `form` has, at `target`.
  @inline(never)
  public func write(_ context: SpanContext, to target: UnsafeMutablePointer<UInt8>) {
    let form = form(context)
    memcpy(target, form.start, form.count)
    target[form.count] = 0
    switch self {
    case .traceParent: TraceParent.write(context, to: target + 13)
    case .b3: B3.write(context, to: target + 4)
    case .b3TraceID:
      Hexadecimal.put(context.traceHigh, to: target + 14)
      Hexadecimal.put(context.traceLow, to: target + 30)
    case .b3SpanID: Hexadecimal.put(context.spanID, to: target + 13)
    case .uberTraceID: UberTraceID.write(context, to: target + 15)
    case .amznTraceID: AmznTraceID.write(context, to: target + 17)
    // "inject lower 64 bits": OpenTracing's ids have no more.
    case .otTraceID: Hexadecimal.put(context.traceLow, to: target + 19)
    case .otSpanID: Hexadecimal.put(context.spanID, to: target + 18)
    case .b3Sampled, .otSampled: break
    }
  }
}
