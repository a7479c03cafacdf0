public import OTelPrimitives

/// OpenTracing's `ot-tracer-…`. Source: https://github.com/opentracing/basictracer-python/blob/master/basictracer/text_propagator.py.
/// Its baggage is `BaggageHeader`'s.
public enum OTTrace {
  @inline(never)
  public static func parse(trace: Text, span: Text, sampled: Text) -> SpanContext? {
    guard trace.count <= 32 else { return nil }
    let isSampled = sampled.equalsIgnoringCase("true") || sampled.equals("1")
    return Hexadecimal.context(trace: trace, span: span, flags: isSampled ? SpanContext.sampled : 0)
  }
}
