/// A call that becomes a span, and how it is recognised in files without running them.
package struct TracedCall: Equatable, Sendable {
  /// What people call it.
  package let title: String
  /// The function that a program has to import for it.
  package let symbol: ByteString
  /// What switches it off, in OTEL_NATIVE_DISABLED_INSTRUMENTATIONS.
  package let instrumentation: ByteString

  package static let all = [
    TracedCall(title: "requests with libcurl's easy interface", symbol: "curl_easy_perform", instrumentation: "curl"),
    TracedCall(title: "requests with libcurl's multi interface", symbol: "curl_multi_add_handle", instrumentation: "curl"),
    TracedCall(title: "TCP connects", symbol: "connect", instrumentation: "sockets"),
    TracedCall(title: "look-ups of names", symbol: "getaddrinfo", instrumentation: "dns"),
  ]

  /// Those that an agent's file intercepts.
  package static func supported(by agent: ELFFile) -> [TracedCall] {
    let symbols = SymbolTable(agent, names: all.map(\.symbol), scope: .dynamic).defined
    return all.filter { symbols.contains($0.symbol) }
  }
}
