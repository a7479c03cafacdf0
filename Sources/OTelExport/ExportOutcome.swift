/// How an export ended.
package enum ExportOutcome: Equatable {
  /// The collector took the request; perhaps not all of its spans.
  case delivered(ExportResponse)
  /// It may go better later, at the earliest in `retryAfter` seconds if the server said so.
  case postponed(ExportFailure, retryAfter: Double?)
  /// Sending the same again would end the same.
  case refused(ExportFailure)
}

/// Why an export failed, and what the user can do.
package struct ExportFailure: Error, Equatable {
  package enum Kind: Equatable {
    case unresolved, unreachable, timeout, status(Int), tooLarge, unknown
    /// What answered does not speak HTTP.
    case notHTTP
    case tls
    /// The server's certificate is not trusted, or another host's.
    case untrusted
    /// The server wants a client's certificate, and another one than it got.
    case unidentified
    /// The certificates or keys given to us cannot be used.
    case credentials
  }

  package let kind: Kind
  /// What happened, with the endpoint and without secrets.
  package let message: String

  package init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  /// The collector never saw the request.
  package var wasNeverSent: Bool { kind == .credentials || kind == .tooLarge }

  /// What to do about it, or nil when the message is all that is known.
  package var hint: String? {
    switch kind {
    case .unresolved: "the host's name is not known here: check OTEL_EXPORTER_OTLP_ENDPOINT."
    case .unreachable: "nothing listens there. Is the collector running? Set OTEL_EXPORTER_OTLP_ENDPOINT to its OTLP/HTTP address (usually port 4318)."
    case .timeout: "the collector did not answer in time: check that it is well and that OTEL_EXPORTER_OTLP_ENDPOINT is its address, or raise OTEL_EXPORTER_OTLP_TIMEOUT (milliseconds)."
    case .notHTTP: "what listens there does not speak HTTP, or speaks https: check the scheme and the port of OTEL_EXPORTER_OTLP_ENDPOINT (OTLP/HTTP is usually 4318)."
    case .tls: "the TLS connection failed: check that the endpoint speaks https."
    case .untrusted: "set OTEL_EXPORTER_OTLP_CERTIFICATE to the PEM file of the authority that signed the collector's certificate, and check the endpoint's host name."
    case .unidentified: "the collector wants a client certificate that it trusts: set OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY."
    case .credentials: "the files are read with the rights of the program when it records its first span: correct them and start the program again."
    case .status(401), .status(403): "the collector refused the credentials: check OTEL_EXPORTER_OTLP_HEADERS."
    case .status(404): "there is no OTLP receiver at this path. OTEL_EXPORTER_OTLP_ENDPOINT gets /v1/traces appended; OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is used as it is."
    case .status(405), .status(415): "this is not an OTLP/HTTP receiver for http/protobuf: check the port (OTLP/HTTP is usually 4318)."
    case .status(429): "the collector asks for less: it is sent again later."
    case .status(413), .tooLarge: "the request is too large for it: lower OTEL_BSP_MAX_EXPORT_BATCH_SIZE."
    case .status(300...399): "the collector redirects, which is not followed: set the endpoint to its final address."
    case .status, .unknown: nil
    }
  }
}
