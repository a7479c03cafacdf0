import OTelPrimitives

/// B3, in one field or in several. Source: https://github.com/openzipkin/b3-propagation; OpenTelemetry's rules: context/api-propagators.md, "B3 Requirements".
public enum B3 {
  /// The single field is tried first, then the others, whichever of the two is configured. A sampling decision without ids is no context.
  @inline(never)
  static func parse(_ fields: ContextFields) -> SpanContext? {
    if let context = parse(single: fields[.b3]) { return context }
    let sampled = fields[.b3Sampled]
    var flags: UInt8 = sampled.equals("1") || sampled.equalsIgnoringCase("true") ? SpanContext.sampled : 0
    if fields[.b3Flags].equals("1") { flags = SpanContext.sampled | SpanContext.debug }
    return Hexadecimal.context(trace: digits(fields[.b3TraceID]), span: whole(fields[.b3SpanID]), flags: flags)
  }

  /// `trace-span`, `trace-span-sampled` or `trace-span-sampled-parent`. Who leaves the decision to others ("defer") counts as not sampled, as
  /// in other SDKs.
  private static func parse(single text: Text) -> SpanContext? {
    guard let dash = text.firstIndex(of: 0x2d) else { return nil }
    let span = text.slice(dash &+ 1, dash &+ 17)
    let rest = text.from(dash &+ 17)
    var flags: UInt8 = 0
    if !rest.isEmpty {
      guard rest[0] == 0x2d, rest.count == 2 || rest.count == 19 && rest[2] == 0x2d && Hexadecimal.number(rest.from(3)) != nil else { return nil }
      switch rest[1] {
      case 0x30: break
      case 0x31: flags = SpanContext.sampled
      case 0x64: flags = SpanContext.sampled | SpanContext.debug
      default: return nil
      }
    }
    return Hexadecimal.context(trace: digits(text.slice(0, dash)), span: whole(span), flags: flags)
  }

  /// A trace id has 16 or 32 digits, a span id 16; anything else is none.
  private static func digits(_ trace: Text) -> Text { trace.count == 32 ? trace : whole(trace) }
  private static func whole(_ id: Text) -> Text { id.count == 16 ? id : Text("") }

  /// Ids and decision of a single field's value whose other bytes are there (`ContextLine.form`).
  static func write(_ context: SpanContext, to target: UnsafeMutablePointer<UInt8>) {
    Hexadecimal.put(context.traceHigh, to: target)
    Hexadecimal.put(context.traceLow, to: target + 16)
    Hexadecimal.put(context.spanID, to: target + 33)
    target[50] = context.isDebug ? 0x64 : 0x30 &+ (context.flags & SpanContext.sampled)
  }
}
