public import OTelPrimitives

/// What a carrier says, field by field: the headers of one request, or the environment. Borrows the values.
public struct ContextFields {
  // As many as there are fields, in their order; empty: not there, or not to be used.
  private var traceParent = Text(""), traceState = Text(""), baggage = Text(""), b3 = Text(""), b3TraceID = Text(""), b3SpanID = Text(""),
    b3Sampled = Text(""), b3Flags = Text(""), b3ParentSpanID = Text(""), uberTraceID = Text(""), amznTraceID = Text(""), otTraceID = Text(""),
    otSpanID = Text(""), otSampled = Text("")
  /// The fields that were there, empty or not.
  public private(set) var present = ContextFieldSet()

  public init() {}

  /// Takes the value of `field`. Of a field that comes twice neither is used: which one would be meant (W3C Trace Context, 3.2)? The other
  /// formats say nothing of it.
  @inline(never)
  public mutating func add(_ field: ContextField, _ value: Text) {
    let isFirst = !present.contains(field)
    present.insert(field)
    withUnsafeMutablePointer(to: &traceParent) { $0[Int(field.rawValue)] = isFirst ? value.trimmed : Text("") }
  }

  @inline(never)
  public subscript(_ field: ContextField) -> Text {
    switch field {
    case .traceParent: traceParent
    case .traceState: traceState
    case .baggage: baggage
    case .b3: b3
    case .b3TraceID: b3TraceID
    case .b3SpanID: b3SpanID
    case .b3Sampled: b3Sampled
    case .b3Flags: b3Flags
    case .b3ParentSpanID: b3ParentSpanID
    case .uberTraceID: uberTraceID
    case .amznTraceID: amznTraceID
    case .otTraceID: otTraceID
    case .otSpanID: otSpanID
    case .otSampled: otSampled
    }
  }
}
