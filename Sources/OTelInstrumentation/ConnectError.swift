import COTelShims

/// `error.type` of a failed connect(2): .NET's published names. Source: semantic conventions, dotnet/dotnet-network-traces.md.
public enum ConnectError {
  public static func name(_ error: Int32) -> StaticString {
    switch error {
    case ECONNREFUSED: "connection_refused"
    case ETIMEDOUT: "timed_out"
    case ENETUNREACH: "network_unreachable"
    case EHOSTUNREACH: "host_unreachable"
    // ENOENT: a Unix socket's path that is not there.
    case EADDRNOTAVAIL, ENOENT: "address_not_available"
    case EAFNOSUPPORT: "address_family_not_supported"
    case EACCES, EPERM: "access_denied"
    case ENETDOWN: "network_down"
    case EINVAL: "invalid_argument"
    case ECONNRESET: "connection_reset"
    case ECONNABORTED: "connection_aborted"
    case EHOSTDOWN: "host_down"
    case EISCONN: "is_connected"
    default: "_OTHER"
    }
  }
}
