import OTelConfiguration
package import OTelPrimitives

/// A URL that OTLP/HTTP requests go to.
///
/// Source: specification, protocol/exporter.md, "Endpoint URLs for OTLP/HTTP".
package struct OTLPEndpoint: Hashable {
  /// What is requested: scheme, authority, path and query. May contain user information: not for people's eyes.
  package let url: String
  /// The same without user information and query, for logs and status.
  package let displayURL: String
  package let isSecure: Bool

  package static let defaultTraces = OTLPEndpoint("http://localhost:4318", "/v1/traces")

  private init(_ origin: String, _ path: String) {
    url = origin + path
    displayURL = url
    isSecure = false
  }

  /// A URL of one signal, `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`: used as it is; "if the URL contains no path component, the root path
  /// '/' MUST be used".
  package init?(signal text: Text) { self.init(text, appending: nil) }

  /// The URL of all signals, `OTEL_EXPORTER_OTLP_ENDPOINT`: `path` ("v1/traces") is put behind its own path, with one slash between.
  package init?(base text: Text, appending path: String) { self.init(text, appending: Optional(path)) }

  private init?(_ text: Text, appending path: String?) {
    guard let parts = EndpointURL(text.trimmed) else { return nil }
    var ownPath = String(parts.path)
    var query = String(parts.query)
    if let path {
      if !ownPath.hasSuffix("/") { ownPath += "/" }
      ownPath += path
      query = ""
    } else if ownPath.isEmpty {
      ownPath = "/"
    }
    let scheme = parts.isSecure ? "https://" : "http://"
    url = scheme + String(parts.authority) + ownPath + query
    displayURL = scheme + String(parts.host) + ownPath
    isSecure = parts.isSecure
  }
}
