public import OTelPrimitives

/// What the spans of a process have in common, as a host knows it. For the exporter console; a relay makes its own.
public struct Resource {
  /// OTLP: field `attributes` of a `Resource` message, again and again. Lives as long as the process.
  public var attributes = Text("")
  /// Whether `service.instance.id` and `process.pid` are among them. Else they are added with each span: a fork child has others.
  public var hasInstanceID = false
  public var hasProcessID = false

  public init() {}

  /// A resource's field `attributes`.
  static var attributesField: UInt64 { 1 }
}
