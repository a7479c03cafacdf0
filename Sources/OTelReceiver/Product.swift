import OTelConfiguration
import OTelRegion

/// Names and versions as strings, which hosts do not have.
package enum Product {
  package static let name = "\(Distribution.name)"
  package static let version = "\(Version.current)"
  package static let language = "\(Distribution.language)"
  package static let schemaURL = "\(Distribution.schemaURL)"
  /// Specification, protocol/exporter.md, "User Agent", with the distribution in front.
  package static let userAgent = "\(name)/\(version) OTel-OTLP-Exporter-Swift/\(version)"
}
