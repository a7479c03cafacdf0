import COTelHookABI
import COTelShims

/// `error.type` of a look-up that failed: .NET's published names as far as they reach.
/// Source: semantic conventions, dotnet/dotnet-dns-metrics.md.
enum LookupError {
  /// Of getaddrinfo(3).
  static func name(_ error: Int32) -> StaticString {
    switch error {
    // EAI_NODATA and EAI_ADDRFAMILY are GNU's: the name exists, and has no address of the family. Not in every view of <netdb.h>.
    case EAI_NONAME, -5: "host_not_found"
    case EAI_AGAIN: "try_again"
    case EAI_FAIL: "no_recovery"
    case EAI_FAMILY, -9: "address_family_not_supported"
    case EAI_BADFLAGS: "invalid_argument"
    case EAI_SERVICE: "service_not_found"
    case EAI_SOCKTYPE: "socket_type_not_supported"
    default: "_OTHER"
    }
  }

  /// Of the gethostbyname(3) family.
  /// - Parameters:
  ///   - host: h_errno.
  ///   - number: errno, when that says more; 0: it does not.
  static func name(host: Int32, number: Int32) -> StaticString {
    if number == EAFNOSUPPORT { return "address_family_not_supported" }
    return switch host {
    case HOST_NOT_FOUND, NO_DATA: "host_not_found"
    case TRY_AGAIN: "try_again"
    case NO_RECOVERY: "no_recovery"
    default: "_OTHER"
    }
  }
}
