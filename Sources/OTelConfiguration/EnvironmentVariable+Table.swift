extension EnvironmentVariable {
  /// Every variable that this version honours or knows, in the order of `--help`.
  public static var table: [EnvironmentVariable] { agent + general + traces + batches + limits + export + metricsAndLogs + instrumentation + http }

  private static var anyInteger: Kind { .integer(least: 0, most: 0x7fff_ffff) }
  private static var positiveInteger: Kind { .integer(least: 1, most: 0x7fff_ffff) }

  private static var instrumentations: Choices { Choices(Instrumentation.allCases.map { $0.name } + ["*"]) }

  private static let agent: [EnvironmentVariable] = [
    EnvironmentVariable(
      "OTEL_NATIVE_DISABLED", .agent, .boolean, default: "false", source: .otelagent,
      help: "Switches the agent off: the program runs as if it were not there."),
    EnvironmentVariable(
      "OTEL_NATIVE_RELAY", .agent, .relay, default: "auto", source: .otelagent,
      help: """
        The relay, which exports for all programs of a user. auto: use the one that is there, else start one. \
        unix:/path: use the one that listens there. external: use one, never start one. \
        start: as auto, and also without the launcher in a container's first process. off: none, so nothing is exported, unless to the console; without that one the agent does nothing, \
        and passes no context on.
        """),
    EnvironmentVariable(
      "OTEL_NATIVE_EXIT_TIMEOUT", .agent, .duration, default: "2000", source: .otelagent,
      help: """
        As a container's first process: how long the launcher waits, after the program has ended, for the relay to export what is \
        left, in milliseconds. 0: not at all.
        """),
    EnvironmentVariable(
      "OTEL_NATIVE_ENABLED_INSTRUMENTATIONS", .agent, .choices(instrumentations), source: .otelagent,
      help: """
        The only instrumentations to use; * for all of them. Wins over OTEL_INSTRUMENTATION_COMMON_DEFAULT_ENABLED, and over an instrumentation's \
        own switch that says true.
        """),
    EnvironmentVariable(
      "OTEL_NATIVE_DISABLED_INSTRUMENTATIONS", .agent, .choices(instrumentations), source: .otelagent,
      help: "Instrumentations to leave out, whatever else enables them; * for all of them."),
    EnvironmentVariable(
      "OTEL_NATIVE_DLSYM", .agent, .boolean, default: "true", source: .otelagent,
      help: """
        Traces also those calls of libcurl whose functions a program has looked up with dlsym, as Python's ctypes and LuaJIT do. \
        false: dlsym is left alone.
        """),
    EnvironmentVariable(
      "OTEL_NATIVE_DEEPBIND", .agent, .boolean, default: "true", source: .otelagent,
      help: """
        false: plug-ins with "curl" in their file's name are loaded without RTLD_DEEPBIND, so that their requests can be traced; PHP loads \
        its curl extension with that flag. They then prefer the program's libraries to their own.
        """),
    EnvironmentVariable(
      "OTEL_NATIVE_STAND_DOWN", .agent, .boolean, default: "true", source: .otelagent,
      help: """
        Records nothing in a program that OpenTelemetry's agent for its own language traces: Python's opentelemetry-instrument, the Java agent \
        and their like. false: both trace it, in traces of their own.
        """),
  ]

  private static let general: [EnvironmentVariable] = [
    EnvironmentVariable(
      "OTEL_SERVICE_NAME", .general, .string, default: "unknown_service:<program>",
      help: "The service's name; wins over service.name in the resource attributes."),
    EnvironmentVariable(
      "OTEL_RESOURCE_ATTRIBUTES", .general, .attributes, source: .resource,
      help: "What else describes the service: key=value,key=value. Other characters may be percent-encoded, ',' and '=' must be."),
    EnvironmentVariable(
      "OTEL_SDK_DISABLED", .general, .boolean, default: "false",
      help: "No telemetry; trace context still passes through to the servers that the program calls."),
    EnvironmentVariable(
      "OTEL_PROPAGATORS", .general,
      .choices(
        Choices(["tracecontext", "baggage", "b3", "b3multi", "jaeger", "xray", "ottrace", "none"])),
      default: "tracecontext,baggage",
      help: """
        The formats in which context is read, from the environment and from a request's own headers, and passed on. Of several that are \
        there the last one in the list counts. none: nothing is read or passed on.
        """),
    EnvironmentVariable(
      "OTEL_NATIVE_CURL_REPARENT", .general, .boolean, default: "false", source: .otelagent,
      help: """
        For programs that hand on, in their own requests' headers, the trace context that they have received. true: it is the request's \
        parent, and the request carries its own span's context in its place. false: a header of the program's is left as it is.
        """),
    EnvironmentVariable(
      "OTEL_NATIVE_PROPAGATE_HOSTS", .general, .list, source: .otelagent,
      help: """
        The hosts that context is passed on to, separated by commas: host, *.domain for those below it, * for all, and with ! in front those that get \
        none. It goes by the URL; a redirect leads where the server wants. Metadata services of clouds get none in any case.
        """),
    EnvironmentVariable(
      "OTEL_NATIVE_PROPAGATE_REDIRECTS", .general, .boolean, default: "true", source: .otelagent,
      help: """
        false: no context in requests whose redirects libcurl follows (CURLOPT_FOLLOWLOCATION), as it takes headers along to any host. true: \
        traceparent goes along, baggage never does.
        """),
    EnvironmentVariable(
      "OTEL_LOG_LEVEL", .general,
      .choice(Choices(["none", "off", "error", "warn", "info", "debug", "trace", "verbose", "fatal"])),
      default: "info", help: "How much the relay writes to its own log file."),
    EnvironmentVariable(
      "OTEL_CONFIG_FILE", .general, .path, .notYet,
      help: """
        A declarative configuration file, which would replace all other variables. It is not read; they apply as if it were not set: it is YAML, which \
        would have to be parsed in every program before its main, by what may neither allocate nor fail.
        """),
    EnvironmentVariable(
      "OTEL_EXPERIMENTAL_CONFIG_FILE", .general, .path, .notYet, help: "The earlier name of OTEL_CONFIG_FILE."),
    EnvironmentVariable(
      "OTEL_ENTITIES", .general, .string, .notYet,
      help: """
        Entities of the resource, in development in the specification: their form may still change. Write what describes them into OTEL_RESOURCE_ATTRIBUTES.
        """),
  ]

  private static let traces: [EnvironmentVariable] = [
    EnvironmentVariable(
      "OTEL_TRACES_EXPORTER", .traces,
      .choices(Choices(["otlp", "console", "none"], notYet: ["zipkin", "otlp/stdout"])), default: "otlp",
      help: """
        Where spans go. otlp: to the collector, by way of the relay. console: to the program's standard error, one line of JSON for each \
        span that ends; needs no relay. none: nowhere. Not: zipkin, which the specification has deprecated, and otlp/stdout, since standard output \
        is the program's.
        """),
    EnvironmentVariable(
      "OTEL_TRACES_SAMPLER", .traces,
      .choice(
        Choices(
          [
            "always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off",
            "parentbased_traceidratio",
          ], notYet: ["jaeger_remote", "parentbased_jaeger_remote", "xray"])),
      default: "parentbased_always_on",
      help: """
        Which traces are recorded: always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off, parentbased_traceidratio. Not: jaeger_remote \
        and xray, which ask a server for rules, and a program is not made to ask one.
        """),
    EnvironmentVariable(
      "OTEL_TRACES_SAMPLER_ARG", .traces, .samplerArgument, default: "1.0",
      help: "For traceidratio and parentbased_traceidratio: the part of all traces that is recorded, 0 to 1."),
  ]

  private static let batches: [EnvironmentVariable] = [
    EnvironmentVariable(
      "OTEL_BSP_SCHEDULE_DELAY", .batches, .duration, default: "5000",
      help: "The longest time a span waits for its batch to fill, in milliseconds."),
    EnvironmentVariable(
      "OTEL_BSP_EXPORT_TIMEOUT", .batches, .timeout, default: "30000", help: "The time a batch may take, in milliseconds; 0: no limit."),
    EnvironmentVariable(
      "OTEL_BSP_MAX_QUEUE_SIZE", .batches, positiveInteger, default: "2048", help: "The most spans that wait for export."),
    EnvironmentVariable(
      "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", .batches, positiveInteger, default: "512",
      help: "The most spans of one batch; not more than the queue holds."),
  ]

  private static let limits: [EnvironmentVariable] = [
    EnvironmentVariable(
      "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", .limits, anyInteger, default: "none",
      help: "The most characters of an attribute's value, where no limit of its own is set."),
    EnvironmentVariable(
      "OTEL_ATTRIBUTE_COUNT_LIMIT", .limits, anyInteger, default: "128", help: "The most attributes, where no limit of its own is set."),
    EnvironmentVariable(
      "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", .limits, anyInteger, default: "none",
      help: "The most characters of an attribute's value in a span."),
    EnvironmentVariable(
      "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", .limits, anyInteger, default: "128", help: "The most attributes of a span."),
    EnvironmentVariable(
      "OTEL_SPAN_EVENT_COUNT_LIMIT", .limits, anyInteger, default: "128", .notYetSilent,
      help: "The most events of a span. No instrumentation records events yet."),
    EnvironmentVariable(
      "OTEL_SPAN_LINK_COUNT_LIMIT", .limits, anyInteger, default: "128", .notYetSilent,
      help: "The most links of a span. No instrumentation records links yet."),
    EnvironmentVariable(
      "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", .limits, anyInteger, default: "128", .notYetSilent,
      help: "The most attributes of a span's event. No instrumentation records events yet."),
    EnvironmentVariable(
      "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", .limits, anyInteger, default: "128", .notYetSilent,
      help: "The most attributes of a span's link. No instrumentation records links yet."),
  ]
}
