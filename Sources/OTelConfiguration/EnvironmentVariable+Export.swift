extension EnvironmentVariable {
  private static var protocols: Choices { Choices(["http/protobuf"], notYet: ["grpc", "http/json"]) }
  private static var compressions: Choices { Choices(["none", "gzip"]) }

  // The variables without a signal in their name first; "each configuration option MUST be overridable by a signal specific option"
  // (protocol/exporter.md), so each has a twin below.
  static let export: [EnvironmentVariable] = [
    EnvironmentVariable(
      "OTEL_EXPORTER_OTLP_ENDPOINT", .export, .url, default: "http://localhost:4318", source: .otlp,
      help: "The collector's URL; /v1/traces is added."),
    EnvironmentVariable(
      "OTEL_EXPORTER_OTLP_PROTOCOL", .export, .choice(protocols), default: "http/protobuf", source: .otlp, help: "The transport."),
    EnvironmentVariable(
      "OTEL_EXPORTER_OTLP_HEADERS", .export, .headers, source: .otlp,
      help: """
        Headers of every request: name=value,name=value, values percent-encoded. Better in the environment than on a command line, \
        which other users can read.
        """),
    EnvironmentVariable(
      "OTEL_EXPORTER_OTLP_TIMEOUT", .export, .timeout, default: "10000", source: .otlp,
      help: "The time an attempt to send a batch may take, in milliseconds; 0: no limit. What failed for a reason that may pass is sent again later."),
    EnvironmentVariable(
      "OTEL_EXPORTER_OTLP_COMPRESSION", .export, .choice(compressions), default: "none", source: .otlp,
      help: "Compression of requests: gzip makes them about a sixth."),
    EnvironmentVariable(
      "OTEL_EXPORTER_OTLP_CERTIFICATE", .export, .path, source: .otlp,
      help: """
        PEM file of the certificates that are trusted for https, instead of the system's. The program reads it, with its own rights, when it \
        records its first span.
        """),
    EnvironmentVariable(
      "OTEL_EXPORTER_OTLP_CLIENT_KEY", .export, .path, source: .otlp,
      help: "PEM file of the client's private key, without a passphrase; read as the one above."),
    EnvironmentVariable(
      "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", .export, .path, source: .otlp,
      help: "PEM file of the client's certificate and of those that lead to its authority; read as the one above."),
    EnvironmentVariable(
      "OTEL_EXPORTER_OTLP_INSECURE", .export, .boolean, default: "false", .notYetSilent, source: .otlp,
      help: "gRPC without TLS, where the endpoint has no scheme. There is no gRPC yet, and for http/protobuf the endpoint's scheme decides."),
    EnvironmentVariable(
      "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", .export, .url, source: .otlp, help: "As above, for spans; used as it is, nothing is added."),
    EnvironmentVariable("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", .export, .choice(protocols), source: .otlp, help: "As above, for spans."),
    EnvironmentVariable(
      "OTEL_EXPORTER_OTLP_TRACES_HEADERS", .export, .headers, source: .otlp, help: "As above, for spans, instead of the common ones."),
    EnvironmentVariable("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", .export, .timeout, source: .otlp, help: "As above, for spans."),
    EnvironmentVariable(
      "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", .export, .choice(compressions), source: .otlp, help: "As above, for spans."),
    EnvironmentVariable("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", .export, .path, source: .otlp, help: "As above, for spans."),
    EnvironmentVariable("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", .export, .path, source: .otlp, help: "As above, for spans."),
    EnvironmentVariable(
      "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", .export, .path, source: .otlp, help: "As above, for spans."),
    EnvironmentVariable("OTEL_EXPORTER_OTLP_TRACES_INSECURE", .export, .boolean, .notYetSilent, source: .otlp, help: "As above, for spans."),
    EnvironmentVariable(
      "OTEL_EXPORTER_ZIPKIN_ENDPOINT", .export, .url, default: "http://localhost:9411/api/v2/spans", .notYetSilent,
      help: "The URL for the exporter zipkin, which is not there: the specification has deprecated it. A collector passes OTLP on to Zipkin."),
    EnvironmentVariable(
      "OTEL_EXPORTER_ZIPKIN_TIMEOUT", .export, .timeout, default: "10000", .notYetSilent, help: "As above, its limit in milliseconds."),
  ]

  // Neither signal is produced yet. The values are checked all the same: whoever set them should learn about a mistake now.
  static let metricsAndLogs: [EnvironmentVariable] = [
    otherSignal("OTEL_METRICS_EXPORTER", .choices(Choices(["otlp", "console", "prometheus", "none", "otlp/stdout"])), "otlp", "Where metrics go."),
    otherSignal("OTEL_LOGS_EXPORTER", .choices(Choices(["otlp", "console", "none", "otlp/stdout"])), "otlp", "Where log records go."),
    otherSignal("OTEL_METRIC_EXPORT_INTERVAL", .duration, "60000", "The time between two exports of metrics, in milliseconds."),
    otherSignal("OTEL_METRIC_EXPORT_TIMEOUT", .timeout, "30000", "The time an export of metrics may take, in milliseconds; 0: no limit."),
    otherSignal(
      "OTEL_METRICS_EXEMPLAR_FILTER", .choice(Choices(["trace_based", "always_on", "always_off"])), "trace_based",
      "Which measurements may become exemplars."),
    otherSignal("OTEL_BLRP_SCHEDULE_DELAY", .duration, "1000", "As OTEL_BSP_SCHEDULE_DELAY, for log records."),
    otherSignal("OTEL_BLRP_EXPORT_TIMEOUT", .timeout, "30000", "As OTEL_BSP_EXPORT_TIMEOUT, for log records."),
    otherSignal("OTEL_BLRP_MAX_QUEUE_SIZE", .integer(least: 1, most: 0x7fff_ffff), "2048", "As OTEL_BSP_MAX_QUEUE_SIZE, for log records."),
    otherSignal(
      "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", .integer(least: 1, most: 0x7fff_ffff), "512",
      "As OTEL_BSP_MAX_EXPORT_BATCH_SIZE, for log records."),
    otherSignal(
      "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", .integer(least: 0, most: 0x7fff_ffff), "none",
      "The most characters of an attribute's value in a log record."),
    otherSignal(
      "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", .integer(least: 0, most: 0x7fff_ffff), "128", "The most attributes of a log record."),
    otherSignal(
      "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", .choice(Choices(["cumulative", "delta", "lowmemory"])), "cumulative",
      "Whether metrics count from the start or from the last export."),
    otherSignal(
      "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
      .choice(Choices(["explicit_bucket_histogram", "base2_exponential_bucket_histogram"])), "explicit_bucket_histogram",
      "The form of histograms."),
    otherSignal("OTEL_EXPORTER_PROMETHEUS_HOST", .string, "localhost", "The address the exporter prometheus listens at."),
    otherSignal("OTEL_EXPORTER_PROMETHEUS_PORT", .integer(least: 0, most: 65535), "9464", "The port the exporter prometheus listens at."),
    otherSignal("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", .url, "", "As OTEL_EXPORTER_OTLP_ENDPOINT, for metrics."),
    otherSignal("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", .choice(signalProtocols), "", "As OTEL_EXPORTER_OTLP_PROTOCOL, for metrics."),
    otherSignal("OTEL_EXPORTER_OTLP_METRICS_HEADERS", .headers, "", "As OTEL_EXPORTER_OTLP_HEADERS, for metrics."),
    otherSignal("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", .timeout, "", "As OTEL_EXPORTER_OTLP_TIMEOUT, for metrics."),
    otherSignal("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", .choice(compressions), "", "As OTEL_EXPORTER_OTLP_COMPRESSION, for metrics."),
    otherSignal("OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE", .path, "", "As OTEL_EXPORTER_OTLP_CERTIFICATE, for metrics."),
    otherSignal("OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY", .path, "", "As OTEL_EXPORTER_OTLP_CLIENT_KEY, for metrics."),
    otherSignal("OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE", .path, "", "As OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE, for metrics."),
    otherSignal("OTEL_EXPORTER_OTLP_METRICS_INSECURE", .boolean, "", "As OTEL_EXPORTER_OTLP_INSECURE, for metrics."),
    otherSignal("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", .url, "", "As OTEL_EXPORTER_OTLP_ENDPOINT, for log records."),
    otherSignal("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", .choice(signalProtocols), "", "As OTEL_EXPORTER_OTLP_PROTOCOL, for log records."),
    otherSignal("OTEL_EXPORTER_OTLP_LOGS_HEADERS", .headers, "", "As OTEL_EXPORTER_OTLP_HEADERS, for log records."),
    otherSignal("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", .timeout, "", "As OTEL_EXPORTER_OTLP_TIMEOUT, for log records."),
    otherSignal("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", .choice(compressions), "", "As OTEL_EXPORTER_OTLP_COMPRESSION, for log records."),
    otherSignal("OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE", .path, "", "As OTEL_EXPORTER_OTLP_CERTIFICATE, for log records."),
    otherSignal("OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY", .path, "", "As OTEL_EXPORTER_OTLP_CLIENT_KEY, for log records."),
    otherSignal("OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE", .path, "", "As OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE, for log records."),
    otherSignal("OTEL_EXPORTER_OTLP_LOGS_INSECURE", .boolean, "", "As OTEL_EXPORTER_OTLP_INSECURE, for log records."),
  ]

  private static var signalProtocols: Choices { Choices(["http/protobuf", "grpc", "http/json"]) }

  private static func otherSignal(
    _ name: StaticString, _ kind: Kind, _ defaultText: StaticString, _ help: StaticString
  ) -> EnvironmentVariable {
    EnvironmentVariable(name, .metricsAndLogs, kind, default: defaultText, .notYetSilent, help: help)
  }
}
