import OTelConfiguration

/// Names and versions that go out with every span.
package enum Product {
  package static let name = "otelagent"
  package static let version = "\(Version.current)"
  /// Of the semantic conventions that the instrumentations and the resource follow.
  package static let schemaURL = "https://opentelemetry.io/schemas/1.44.0"
  /// Specification, protocol/exporter.md, "User Agent", with the distribution in front.
  package static let userAgent = "\(name)/\(version) OTel-OTLP-Exporter-Swift/\(version)"
}
