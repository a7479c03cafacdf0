extension EnvironmentVariable {
  static let instrumentation: [EnvironmentVariable] =
    [
      EnvironmentVariable(
        "OTEL_NATIVE_CURL_PHASES", .instrumentation, .boolean, default: "false", source: .otelagent,
        help: """
          Records what a request by libcurl spent its time with, as child spans: DNS look-up, connect, TLS handshake, and the wait for the \
          response.
          """),
      // A new instrumentation emits the stable names, so there is nothing to opt in to.
      EnvironmentVariable(
        "OTEL_SEMCONV_STABILITY_OPT_IN", .instrumentation, .list, .notYetSilent, source: .semanticConventions,
        help: "Accepted; spans have the stable names in any case."),
      EnvironmentVariable(
        "OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", .instrumentation, .list, .notYetSilent, source: .semanticConventions,
        help: "Accepted; native programs have no exceptions to record."),
      EnvironmentVariable(
        "OTEL_INSTRUMENTATION_COMMON_DEFAULT_ENABLED", .instrumentation, .boolean, default: "true", source: .otelagent,
        help: "Whether an instrumentation is used that nothing else names."),
    ]
    + Instrumentation.allCases.map { one in
      EnvironmentVariable(
        one.switchVariable, .instrumentation, .boolean, source: .otelagent,
        help: one.help)
    } + [
      EnvironmentVariable(
        "OTEL_INSTRUMENTATION_COMMON_PEER_SERVICE_MAPPING", .instrumentation, .peerServices, source: .semanticConventions,
        help: """
          Names of the services that HTTP requests go to, as service.peer.name: host=name,host:port=name. One with the port comes before one without; \
          an IPv6 address with a port is written [address]:port.
          """)
    ]

  static let http: [EnvironmentVariable] = [
    EnvironmentVariable(
      "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", .instrumentation, .list, source: .semanticConventions,
      help: """
        The HTTP methods that are recorded by name, separated by commas and in their own case. They replace the usual ones: what is not among them is _OTHER.
        """),
    EnvironmentVariable(
      "OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_REQUEST_HEADERS", .instrumentation, .headerNames, source: .semanticConventions,
      help: """
        Names of headers of requests that become attributes, separated by commas, in any case. Credentials are told as [REDACTED]: Authorization, \
        Proxy-Authorization, Cookie.
        """),
    EnvironmentVariable(
      "OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_RESPONSE_HEADERS", .instrumentation, .headerNames, source: .semanticConventions,
      help: """
        The same of the last response, where libcurl is 7.83 or later. Set-Cookie is told as [REDACTED].
        """),
    EnvironmentVariable(
      "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST", .instrumentation, .patterns, source: .semanticConventions,
      help: """
        The same of requests as regular expressions, each for a whole name, in any case; beside the names above. What looks like a secret by its name, such as \
        X-Api-Key, is [REDACTED] unless it is named above.
        """),
    EnvironmentVariable(
      "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE", .instrumentation, .patterns, source: .semanticConventions,
      help: "The same of the last response."),
    EnvironmentVariable(
      "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS", .instrumentation, .patterns, source: .semanticConventions,
      help: "Regular expressions for names of further headers that are told as [REDACTED], for any part of a name, in any case."),
    EnvironmentVariable(
      "OTEL_INSTRUMENTATION_SANITIZATION_URL_EXPERIMENTAL_SENSITIVE_QUERY_PARAMETERS", .instrumentation, .list, source: .semanticConventions,
      help: """
        Keys of a query whose values are redacted in URLs, separated by commas and in their own case. They replace the whole list: the conventions' keys and \
        those that otelagent adds because they look like secrets. User names and passwords are redacted in any case.
        """),
    EnvironmentVariable(
      "OTEL_NATIVE_EXCLUDED_URLS", .instrumentation, .patterns, source: .otelagent,
      help: """
        Regular expressions, separated by commas. A request whose URL one of them matches somewhere has no span and no header of the agent's.
        """),
    EnvironmentVariable(
      "OTEL_NATIVE_CURL_EXCLUDED_URLS", .instrumentation, .patterns, source: .otelagent,
      help: "The same for requests over libcurl; where it is set, the one above does not count for them."),
  ]
}
