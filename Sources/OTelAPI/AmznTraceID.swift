public import OTelPrimitives

/// AWS X-Ray's `X-Amzn-Trace-Id`. Source: https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
public enum AmznTraceID {
  /// `Root=1-time-rest;Parent=span;Sampled=1` in any order; other keys are ignored. Who leaves the decision to others (`?`) counts as not sampled.
  @inline(never)
  public static func parse(_ text: Text) -> SpanContext? {
    var rest = text
    var (root, parent, sampled) = (Text(""), Text(""), Text(""))
    while !rest.isEmpty {
      let end = rest.firstIndex(of: 0x3b) ?? rest.count
      let part = rest.slice(0, end).trimmed
      rest = rest.from(end &+ 1)
      if part.hasPrefix("Root=") { root = part.from(5) }
      if part.hasPrefix("Parent=") { parent = part.from(7) }
      if part.hasPrefix("Sampled=") { sampled = part.from(8) }
    }
    guard root.count == 35, root[0] == 0x31, root[1] == 0x2d, root[10] == 0x2d, parent.count == 16 else { return nil }
    guard let time = Hexadecimal.number(root.slice(2, 10)), let middle = Hexadecimal.number(root.slice(11, 19)),
      let low = Hexadecimal.number(root.from(19)), let span = Hexadecimal.number(parent)
    else { return nil }
    let flags: UInt8 = sampled.equals("1") ? SpanContext.sampled : 0
    let context = SpanContext(traceHigh: time &<< 32 | middle, traceLow: low, spanID: span, flags: flags)
    return context.isValid ? context : nil
  }

  /// The ids of a value whose other bytes are there (`ContextLine.form`).
  static func write(_ context: SpanContext, to target: UnsafeMutablePointer<UInt8>) {
    Hexadecimal.write(UInt32(truncatingIfNeeded: context.traceHigh &>> 32), to: target + 7)
    Hexadecimal.write(UInt32(truncatingIfNeeded: context.traceHigh), to: target + 16)
    Hexadecimal.put(context.traceLow, to: target + 24)
    Hexadecimal.put(context.spanID, to: target + 48)
    target[73] = 0x30 &+ (context.flags & SpanContext.sampled)
  }
}
