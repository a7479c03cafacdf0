/// What identifies a span to others: ids and W3C flags. A value of 25 bytes, no references.
/// Source: https://opentelemetry.io/docs/specs/otel/trace/api/#spancontext
public struct SpanContext {
  /// Hex digits 1-16 and 17-32 of the trace id, as numbers.
  public var traceHigh: UInt64
  public var traceLow: UInt64
  public var spanID: UInt64
  /// W3C trace flags, `sampled` and `random`, and `debug`; no other bit.
  public var flags: UInt8

  public static let sampled: UInt8 = 1
  /// The trace id's right-most 7 bytes are random (W3C Trace Context Level 2).
  public static let random: UInt8 = 2
  /// B3's and Jaeger's request to record whatever a sampler says. Passed on in their formats; W3C Trace Context and OTLP have no such flag.
  public static let debug: UInt8 = 0x80

  @inlinable @inline(__always)
  public init(traceHigh: UInt64, traceLow: UInt64, spanID: UInt64, flags: UInt8) {
    (self.traceHigh, self.traceLow, self.spanID, self.flags) = (traceHigh, traceLow, spanID, flags)
  }

  @inlinable @inline(__always) public var isValid: Bool { (traceHigh | traceLow) != 0 && spanID != 0 }
  @inlinable @inline(__always) public var isSampled: Bool { flags & Self.sampled != 0 }
  @inlinable @inline(__always) public var isDebug: Bool { flags & Self.debug != 0 }
  /// What W3C Trace Context and OTLP know of `flags`.
  @inlinable @inline(__always) public var traceFlags: UInt8 { flags & (Self.sampled | Self.random) }
}
