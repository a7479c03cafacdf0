/// `error.type` of a transfer that failed without a status that says so: low cardinality, .NET's published names where they fit; the list is
/// in docs/coverage-http.md. Source: https://curl.se/libcurl/c/libcurl-errors.html and semantic conventions, general/recording-errors.md.
///
/// .NET's `version_negotiation_error` is not among them: libcurl takes what the server offers, or calls it a protocol error.
enum TransferError {
  /// Nil when the program itself ended the transfer (CURLE_ABORTED_BY_CALLBACK): then the span has no error.
  static func name(_ code: Int32) -> StaticString? {
    switch code {
    case 42: nil
    case 5, 6: "name_resolution_error"
    // 96: of QUIC.
    case 7, 45, 55, 56, 89, 96: "connection_error"
    case 28: "timeout"
    // 51: of a libcurl before 7.62 what is 60 today.
    case 35, 51, 53, 54, 58, 59, 60, 64, 66, 77, 80, 82, 83, 90, 91, 98, 101: "secure_connection_error"
    case 18, 52: "response_ended"
    case 8, 61: "invalid_response"
    case 16, 92, 95: "http_protocol_error"
    case 47, 63, 100: "configuration_limit_exceeded"
    case 67, 94: "user_authentication_error"
    case 97: "proxy_tunnel_error"
    default: "_OTHER"
    }
  }
}
