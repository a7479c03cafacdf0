/// What goes out with every span, from a relay as from a host, beside the version.
public enum Distribution {
  public static let name: StaticString = "otelagent"
  public static let language: StaticString = "swift"
  /// Of the semantic conventions that the instrumentations and the resource follow.
  public static let schemaURL: StaticString = "https://opentelemetry.io/schemas/1.44.0"
}
