/// Attribute names of the OpenTelemetry semantic conventions 1.44.0, as far as they are emitted.
///
/// Computed properties that yield literals: a stored `static let` would be initialised lazily, under a lock.
/// Source: https://opentelemetry.io/docs/specs/semconv/registry/attributes/
public enum Attribute {
  @inlinable @inline(__always) public static var dnsAnswers: StaticString { "dns.answers" }
  @inlinable @inline(__always) public static var dnsQuestionName: StaticString { "dns.question.name" }
  @inlinable @inline(__always) public static var errorType: StaticString { "error.type" }
  /// A header's name follows, in lower case.
  @inlinable @inline(__always) public static var httpRequestHeader: StaticString { "http.request.header." }
  @inlinable @inline(__always) public static var httpRequestMethod: StaticString { "http.request.method" }
  @inlinable @inline(__always) public static var httpRequestMethodOriginal: StaticString { "http.request.method_original" }
  @inlinable @inline(__always) public static var httpRequestResendCount: StaticString { "http.request.resend_count" }
  /// A header's name follows, in lower case.
  @inlinable @inline(__always) public static var httpResponseHeader: StaticString { "http.response.header." }
  @inlinable @inline(__always) public static var httpResponseStatusCode: StaticString { "http.response.status_code" }
  @inlinable @inline(__always) public static var networkPeerAddress: StaticString { "network.peer.address" }
  @inlinable @inline(__always) public static var networkPeerPort: StaticString { "network.peer.port" }
  @inlinable @inline(__always) public static var networkProtocolVersion: StaticString { "network.protocol.version" }
  @inlinable @inline(__always) public static var networkTransport: StaticString { "network.transport" }
  @inlinable @inline(__always) public static var networkType: StaticString { "network.type" }
  @inlinable @inline(__always) public static var serverAddress: StaticString { "server.address" }
  @inlinable @inline(__always) public static var serverPort: StaticString { "server.port" }
  @inlinable @inline(__always) public static var tlsProtocolName: StaticString { "tls.protocol.name" }
  @inlinable @inline(__always) public static var servicePeerName: StaticString { "service.peer.name" }
  @inlinable @inline(__always) public static var urlFull: StaticString { "url.full" }
}

/// The release the names above are from.
public enum SemanticConventions {
  @inlinable @inline(__always) public static var schemaURL: StaticString { "https://opentelemetry.io/schemas/1.44.0" }
}
