public import OTelPrimitives

/// Jaeger's `uber-trace-id`. Source: https://www.jaegertracing.io/docs/1.76/architecture/sdks/#propagation-format.
/// Its baggage is `BaggageHeader`'s.
public enum UberTraceID {
  /// `trace:span:parent:flags`, whose colons may be percent-encoded. The parent is deprecated, and ignored.
  @inline(never)
  public static func parse(_ text: Text) -> SpanContext? {
    var rest = text
    let trace = part(&rest)
    let span = part(&rest)
    let parent = part(&rest)
    guard rest.count > 0, rest.count <= 2, Hexadecimal.number(parent) != nil, let bits = Hexadecimal.number(rest) else { return nil }
    var flags: UInt8 = bits & 1 != 0 ? SpanContext.sampled : 0
    if bits & 2 != 0 { flags = SpanContext.sampled | SpanContext.debug }
    return Hexadecimal.context(trace: trace.count <= 32 ? trace : Text(""), span: span, flags: flags)
  }

  /// What is before the next colon; `rest` is what is behind it.
  private static func part(_ rest: inout Text) -> Text {
    let text = rest
    var end = 0
    while end < text.count, text[end] != 0x3a, text[end] != 0x25 { end &+= 1 }
    let isEncoded = text[end] == 0x25
    if isEncoded, text[end &+ 1] != 0x33 || text[end &+ 2] | 0x20 != 0x61 { end = text.count }
    rest = text.from(end &+ (isEncoded ? 3 : 1))
    return text.slice(0, end)
  }

  /// Ids and flags of a value whose other bytes are there (`ContextLine.form`). The parent is 0, as OpenTelemetry asks.
  static func write(_ context: SpanContext, to target: UnsafeMutablePointer<UInt8>) {
    Hexadecimal.put(context.traceHigh, to: target)
    Hexadecimal.put(context.traceLow, to: target + 16)
    Hexadecimal.put(context.spanID, to: target + 33)
    target[52] = context.isDebug ? 0x33 : 0x30 &+ (context.flags & SpanContext.sampled)
  }
}
