/// `error.type` of a failed transfer: low cardinality, .NET's published names where they fit.
/// Source: https://curl.se/libcurl/c/libcurl-errors.html and semantic conventions, general/recording-errors.md.
enum TransferError {
  /// Nil when the program itself ended the transfer (CURLE_ABORTED_BY_CALLBACK): then the span has no error.
  static func name(_ code: Int32) -> StaticString? {
    switch code {
    case 42: nil
    case 5, 6: "name_resolution_error"
    case 7, 55, 56, 45, 30: "connection_error"
    case 28: "timeout"
    case 35, 53, 54, 58, 59, 60, 64, 66, 77, 80, 82, 83, 90, 91, 98: "secure_connection_error"
    case 18, 52: "response_ended"
    case 8, 61: "invalid_response"
    case 16, 92, 95: "http_protocol_error"
    case 47, 63: "configuration_limit_exceeded"
    case 67, 94: "user_authentication_error"
    case 97: "proxy_tunnel_error"
    default: "_OTHER"
    }
  }
}
