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
    let whole = text.trimmed
    guard let parts = URLParts(whole) else { return nil }
    var ownPath = parts.path
    var query = parts.query
    if let path {
      if !ownPath.hasSuffix("/") { ownPath += "/" }
      ownPath += path
      query = ""
    } else if ownPath.isEmpty {
      ownPath = "/"
    }
    let origin = parts.scheme + "://" + parts.authority
    let shown = parts.authority.lastIndex(of: "@").map { String(parts.authority[parts.authority.index(after: $0)...]) } ?? parts.authority
    url = origin + ownPath + query
    displayURL = parts.scheme + "://" + shown + ownPath
    isSecure = parts.scheme == "https"
  }
}

/// The parts of an absolute http or https URL. Only what OTLP needs: RFC 3986 without dot segments or internationalised names.
private struct URLParts {
  let scheme: String
  let authority: String
  let path: String
  /// With its question mark.
  let query: String

  init?(_ text: Text) {
    let bytes = UnsafeBufferPointer(start: text.start, count: text.count)
    guard bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return nil }
    let whole = String(decoding: bytes, as: UTF8.self)
    let prefix = ["http", "https"].first { whole.count > $0.count + 3 && whole.prefix($0.count + 3).lowercased() == $0 + "://" }
    guard let prefix else { return nil }
    scheme = prefix
    var rest = whole.dropFirst(prefix.count + 3)
    if let fragment = rest.firstIndex(of: "#") { rest = rest[..<fragment] }
    let authorityEnd = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
    authority = String(rest[..<authorityEnd])
    let queryStart = rest.firstIndex(of: "?") ?? rest.endIndex
    path = String(rest[authorityEnd..<queryStart])
    query = String(rest[queryStart...])
    guard Self.isAuthority(authority) else { return nil }
  }

  /// `[userinfo@]host[:port]` with a host and, if there is a colon, a port in 1…65535.
  private static func isAuthority(_ authority: String) -> Bool {
    var host = authority[...]
    if let at = host.lastIndex(of: "@") { host = host[host.index(after: at)...] }
    var port: Substring?
    if host.hasPrefix("[") {
      guard let close = host.firstIndex(of: "]") else { return false }
      let behind = host[host.index(after: close)...]
      guard behind.isEmpty || behind.hasPrefix(":") else { return false }
      port = behind.isEmpty ? nil : behind.dropFirst()
      host = host[host.index(after: host.startIndex)..<close]
    } else if let colon = host.firstIndex(of: ":") {
      port = host[host.index(after: colon)...]
      host = host[..<colon]
    }
    guard !host.isEmpty else { return false }
    guard let port else { return true }
    return port.allSatisfy { $0.isASCII && $0.isNumber } && (1...65535).contains(Int(port) ?? 0)
  }
}
