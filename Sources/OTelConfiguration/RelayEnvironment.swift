public import OTelPrimitives

/// What a relay keeps of the environment of the process that starts it.
///
/// The relay outlives that process and serves others: a variable of the one must not configure it. Never `LD_*`: with `LD_PRELOAD` the
/// relay would be instrumented, and a foreign `LD_LIBRARY_PATH` would choose its libraries.
public enum RelayEnvironment {
  /// Whether an entry of the environment, `NAME=VALUE`, is handed to a relay. Never allocates; any thread; async-signal-safe.
  public static func isKept(_ entry: Text) -> Bool {
    guard let end = entry.firstIndex(of: 0x3d) else { return false }
    let name = entry.slice(0, end)
    // A chain of comparisons and not an array: a global array is made at its first use, by an allocation.
    return name.equals("PATH") || name.equals("HOME") || name.equals("TZ")
      // The rendezvous, the log file.
      || name.equals("XDG_RUNTIME_DIR") || name.equals("XDG_STATE_HOME")
      // How the exporter reaches the collector. Upper-case HTTP_PROXY is not among them: in a CGI program it is the request's header
      // "Proxy" (CVE-2016-5385), and libcurl does not read it either.
      || name.equals("http_proxy") || name.equals("https_proxy") || name.equals("HTTPS_PROXY") || name.equals("all_proxy")
      || name.equals("ALL_PROXY") || name.equals("no_proxy") || name.equals("NO_PROXY")
      || name.equals("SSL_CERT_FILE") || name.equals("SSL_CERT_DIR")
      || name.equals("OTEL_LOG_LEVEL")
  }
}
