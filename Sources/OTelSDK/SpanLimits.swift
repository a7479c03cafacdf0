/// Source: https://opentelemetry.io/docs/specs/otel/common/#attribute-limits
public struct SpanLimits {
  /// Attributes of one span; more are dropped and counted.
  public var attributeCount: UInt32 = 128
  /// Characters of one string; a longer one is cut.
  public var attributeValueLength: UInt32 = .max

  public init() {}
}
