/// Tags (field number and wire type) of `opentelemetry.proto.trace.v1.Span` and what is in it.
/// Source: https://github.com/open-telemetry/opentelemetry-proto/blob/v1.11.0/opentelemetry/proto/trace/v1/trace.proto
public enum SpanField {
  public static let traceID: UInt8 = 0x0a
  public static let spanID: UInt8 = 0x12
  public static let traceState: UInt8 = 0x1a
  public static let parentSpanID: UInt8 = 0x22
  public static let name: UInt8 = 0x2a
  public static let kind: UInt8 = 0x30
  public static let startTime: UInt8 = 0x39
  public static let endTime: UInt8 = 0x41
  public static let attributes: UInt8 = 0x4a
  public static let droppedAttributesCount: UInt8 = 0x50
  public static let status: UInt8 = 0x7a
  /// Two bytes: field 16, fixed32.
  public static let flags: (UInt8, UInt8) = (0x85, 0x01)

  /// In `Status`.
  public static let statusCode: UInt8 = 0x18

  /// In `KeyValue`.
  public static let key: UInt8 = 0x0a
  public static let value: UInt8 = 0x12

  /// In `AnyValue`.
  public static let stringValue: UInt8 = 0x0a
  public static let intValue: UInt8 = 0x18
  public static let arrayValue: UInt8 = 0x2a

  /// In `ArrayValue`.
  public static let arrayItem: UInt8 = 0x0a
}
