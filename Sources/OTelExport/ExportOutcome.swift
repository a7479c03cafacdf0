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
package struct ExportFailure: Equatable {
  package enum Kind: Equatable { case unresolved, unreachable, timeout, tls, status(Int), tooLarge, unknown }

  package let kind: Kind
  /// What happened, with the endpoint and without secrets.
  package let message: String

  package init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  /// What to do about it, or nil when the message is all that is known.
  package var hint: String? {
    switch kind {
    case .unresolved: "the host's name is not known here: check OTEL_EXPORTER_OTLP_ENDPOINT."
    case .unreachable: "nothing listens there. Is the collector running? Set OTEL_EXPORTER_OTLP_ENDPOINT to its OTLP/HTTP address (usually port 4318)."
    case .timeout: "the collector did not answer in time: check that it is well and that OTEL_EXPORTER_OTLP_ENDPOINT is its address, or raise OTEL_EXPORTER_OTLP_TIMEOUT (milliseconds)."
    case .tls: "the TLS connection failed: check the collector's certificate, and that the endpoint speaks https."
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
