import Glibc
import Testing

@testable import InstrumentationCurl
@testable import InstrumentationSockets
@testable import OTelInstrumentation

@Suite struct ErrorTypeTests {
  // curl/curl.h, CURLcode.
  @Test(arguments: [
    (5, "name_resolution_error"), (6, "name_resolution_error"), (7, "connection_error"), (28, "timeout"), (35, "secure_connection_error"),
    (60, "secure_connection_error"), (91, "secure_connection_error"), (52, "response_ended"), (18, "response_ended"), (8, "invalid_response"),
    (16, "http_protocol_error"), (92, "http_protocol_error"), (55, "connection_error"), (56, "connection_error"), (47, "configuration_limit_exceeded"),
    (67, "user_authentication_error"), (97, "proxy_tunnel_error"),
    (51, "secure_connection_error"), (96, "connection_error"), (1, "_OTHER"), (23, "_OTHER"), (10_000, "_OTHER"), (-1, "_OTHER"),
  ] as [(Int32, String)])
  func transfer(_ code: Int32, _ name: String) { #expect(TransferError.name(code)?.description == name) }

  @Test func theProgramsOwnEndIsNoError() { #expect(TransferError.name(42) == nil) }

  @Test(arguments: [
    (ECONNREFUSED, "connection_refused"), (ETIMEDOUT, "timed_out"), (ENETUNREACH, "network_unreachable"), (EHOSTUNREACH, "host_unreachable"),
    (EADDRNOTAVAIL, "address_not_available"), (EAFNOSUPPORT, "address_family_not_supported"), (EACCES, "access_denied"), (EPERM, "access_denied"),
    (ENETDOWN, "network_down"), (EINVAL, "invalid_argument"), (ECONNRESET, "connection_reset"), (EISCONN, "is_connected"), (0, "_OTHER"), (EIO, "_OTHER"),
    (-1, "_OTHER"), (.max, "_OTHER"),
  ] as [(Int32, String)])
  func connect(_ error: Int32, _ name: String) { #expect(ConnectError.name(error).description == name) }
}
