import OTelConfiguration
import OTelInstrumentation
import OTelPrimitives

extension InstrumentationSettings {
  /// What the environment says. Once per process, in the ELF constructor: no allocation, no failure. What is not understood is left out;
  /// `otel-instrument` names it.
  /// - Parameter environment: kept for the process's life.
  @inline(never)
  mutating func read(_ environment: EnvironmentBlock) {
    read("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", environment, Feature.knownMethods) { $0.knownMethods = $1 }
    read("OTEL_INSTRUMENTATION_SANITIZATION_URL_EXPERIMENTAL_SENSITIVE_QUERY_PARAMETERS", environment, Feature.sensitiveQueryKeys) {
      $0.sensitiveQueryKeys = $1
    }
    read("OTEL_INSTRUMENTATION_COMMON_PEER_SERVICE_MAPPING", environment, Feature.peerServices) { $0.peerServices = PeerServices($1) }
    read("OTEL_NATIVE_PROPAGATE_HOSTS", environment, Feature.propagatedHosts) { $0.propagatedHosts = HostList($1) }
    if let value = environment.value("OTEL_NATIVE_PROPAGATE_REDIRECTS"), !(ValueParser.boolean(value) ?? false) { features |= Feature.noRedirects }
    let excluded = Self.list("OTEL_NATIVE_CURL_EXCLUDED_URLS", environment) ?? Self.list("OTEL_NATIVE_EXCLUDED_URLS", environment)
    if let excluded, Self.compile(excluded, into: excludedURLs, ignoringCase: false) { features |= Feature.excludedURLs }

    read("OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_REQUEST_HEADERS", environment, Feature.requestHeaders) { $0.requestHeaders.names = $1 }
    read("OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_RESPONSE_HEADERS", environment, Feature.responseHeaders) { $0.responseHeaders.names = $1 }
    if let list = Self.list("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST", environment),
      Self.compile(list, into: requestHeaders.patterns, ignoringCase: true)
    { features |= Feature.requestHeaders }
    if let list = Self.list("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE", environment),
      Self.compile(list, into: responseHeaders.patterns, ignoringCase: true)
    { features |= Feature.responseHeaders }
    guard has(Feature.requestHeaders | Feature.responseHeaders) else { return }
    if let list = Self.list("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS", environment) {
      _ = Self.compile(list, into: redactedHeaders, ignoringCase: true)
    }
  }

  private mutating func read(
    _ name: StaticString, _ environment: EnvironmentBlock, _ feature: UInt32, _ set: (inout InstrumentationSettings, Text) -> Void
  ) {
    guard let list = Self.list(name, environment) else { return }
    set(&self, list)
    features |= feature
  }

  /// The value of `name`, if it has an item.
  private static func list(_ name: StaticString, _ environment: EnvironmentBlock) -> Text? {
    guard let value = environment.value(name) else { return nil }
    var items = ListItems(value)
    return items.next() == nil ? nil : value
  }

  /// Adds each expression of `list` that is one. False: there is none.
  private static func compile(_ list: Text, into patterns: PatternSet, ignoringCase: Bool) -> Bool {
    patterns.ignoresCase = ignoringCase
    var items = PatternItems(list)
    while let item = items.next() { _ = PatternCompiler.add(item, to: patterns) }
    return !patterns.isEmpty
  }
}
