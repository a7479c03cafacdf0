import OTelPrimitives
import Testing

@testable import OTelConfiguration

/// The messages for an environment given as `NAME=VALUE` entries.
func messages(_ entries: String...) -> [String] {
  let bytes: [UInt8] = entries.flatMap { Array($0.utf8) + [0] } + [0]
  return bytes.withUnsafeBufferPointer { buffer in
    ConfigurationCheck.problems(in: EnvironmentBlock(Text(buffer.baseAddress!, count: buffer.count - 1))).map(\.message)
  }
}

@Suite struct ConfigurationCheckTests {
  @Test func acceptsAnEmptyEnvironment() { #expect(messages() == []) }

  // Values that the specification's rules allow.
  @Test(arguments: [
    "OTEL_SDK_DISABLED=TRUE", "OTEL_SDK_DISABLED= false ", "OTEL_SDK_DISABLED=", "OTEL_TRACES_EXPORTER=", "OTEL_TRACES_EXPORTER=OTLP", "OTEL_TRACES_EXPORTER=otlp, Console,,console",
    "OTEL_TRACES_SAMPLER=ALWAYS_OFF", "OTEL_BSP_SCHEDULE_DELAY=0", "OTEL_BSP_SCHEDULE_DELAY= 00012 ",
    "OTEL_EXPORTER_OTLP_TIMEOUT=0", "OTEL_ATTRIBUTE_COUNT_LIMIT=0", "OTEL_BSP_MAX_QUEUE_SIZE=10", "OTEL_BSP_MAX_QUEUE_SIZE=2147483647",
    "OTEL_PROPAGATORS=baggage,tracecontext,baggage", "OTEL_PROPAGATORS=none", "OTEL_PROPAGATORS=B3, b3multi,jaeger,xray,ottrace", "OTEL_RESOURCE_ATTRIBUTES=a=1,b=%2C%3d, c = d ,",
    "OTEL_RESOURCE_ATTRIBUTES=text=line%0Aline", "OTEL_EXPORTER_OTLP_HEADERS=api-key=abc,Authorization=Basic%20dXNlcjpwYXNz==",
    "OTEL_EXPORTER_OTLP_ENDPOINT=HTTPS://[::1]:4318/base/", "OTEL_EXPORTER_OTLP_ENDPOINT=http://user:pw@c", "OTEL_NATIVE_RELAY=unix:/run/a b",
    "OTEL_NATIVE_RELAY=Start", "OTEL_NATIVE_DISABLED_INSTRUMENTATIONS=curl, sockets", "OTEL_NATIVE_DISABLED_INSTRUMENTATIONS=*",
    "OTEL_METRICS_EXPORTER=none", "OTEL_LOGS_EXPORTER=console,otlp", "OTEL_EXPORTER_OTLP_COMPRESSION=none", "OTEL_PYTHON_LOG_CORRELATION=1",
    "OTEL_SEMCONV_STABILITY_OPT_IN=http", "OTEL_NATIVE_EXCLUDED_URLS=health,^https?://[^/]+:\\d{2,4}/(a|b)$", "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS=GET,get",
    "OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_REQUEST_HEADERS=Content-Type, x-a", "OTEL_INSTRUMENTATION_COMMON_PEER_SERVICE_MAPPING=h=s,h:80 = t,::1=u,",
    "OTEL_NATIVE_ENABLED_INSTRUMENTATIONS=*", "OTEL_INSTRUMENTATION_CURL_ENABLED=FALSE",
  ])
  func acceptsValid(_ entry: String) { #expect(messages(entry) == []) }

  @Test(arguments: [
    ("OTEL_SDK_DISABLED", "1"), ("OTEL_SDK_DISABLED", "yes"), ("OTEL_NATIVE_DISABLED", "0"), ("OTEL_BSP_SCHEDULE_DELAY", "-5"),
    ("OTEL_BSP_SCHEDULE_DELAY", "5s"), ("OTEL_BSP_SCHEDULE_DELAY", "1.5"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "10 000"),
    ("OTEL_BSP_MAX_QUEUE_SIZE", "0"), ("OTEL_BSP_MAX_QUEUE_SIZE", "-1"), ("OTEL_ATTRIBUTE_COUNT_LIMIT", "2147483648"),
    ("OTEL_TRACES_SAMPLER", "sometimes"), ("OTEL_TRACES_SAMPLER", "jaeger_remote"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
    ("OTEL_PROPAGATORS", "b4"), ("OTEL_TRACES_EXPORTER", "logging"), ("OTEL_NATIVE_RELAY", "unix:relative"), ("OTEL_NATIVE_RELAY", "yes"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://[::1"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://ü"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:0"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:99999/"),
    ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "ftp://c"), ("OTEL_RESOURCE_ATTRIBUTES", "a=1,b=%zz"), ("OTEL_RESOURCE_ATTRIBUTES", "a"),
    ("OTEL_RESOURCE_ATTRIBUTES", "=b"), ("OTEL_METRIC_EXPORT_INTERVAL", "1m"), ("OTEL_EXPORTER_PROMETHEUS_PORT", "65536"),
  ])
  func namesTheVariableAndTheValue(_ name: String, _ value: String) throws {
    let found = messages("\(name)=\(value)")
    #expect(found.count == 1)
    let message = try #require(found.first)
    #expect(message.hasPrefix("\(name)=\"\(value)\" ") || message.hasPrefix("\(name): "))
    #expect(!message.contains("\n"))
    #expect(message.hasSuffix("."))
  }

  @Test func saysWhatAppliesAndWhatToDo() {
    #expect(
      messages("OTEL_BSP_SCHEDULE_DELAY=5s") == [
        """
        OTEL_BSP_SCHEDULE_DELAY="5s" is not a number of milliseconds; the default 5000 applies. Write digits alone, without a sign or a unit: \
        5000 for five seconds.
        """
      ])
    #expect(messages("OTEL_TRACES_SAMPLER=xray")[0].contains("is not supported by this version of otelagent yet; the default parentbased_always_on"))
    #expect(messages("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT=x")[0].contains("; it counts as unset."))
  }

  @Test func samplerArgumentNeedsItsSampler() {
    #expect(messages("OTEL_TRACES_SAMPLER=traceidratio", "OTEL_TRACES_SAMPLER_ARG=2")[0].contains("the default 1.0 applies"))
    #expect(messages("OTEL_TRACES_SAMPLER=PARENTBASED_TRACEIDRATIO", "OTEL_TRACES_SAMPLER_ARG=0.25") == [])
    #expect(messages("OTEL_TRACES_SAMPLER=always_on", "OTEL_TRACES_SAMPLER_ARG=anything") == [])
    #expect(messages("OTEL_TRACES_SAMPLER_ARG=0.1")[0].contains("OTEL_TRACES_SAMPLER is not"))
  }

  @Test func oneBadListItemDoesNotTakeTheOthersWithIt() {
    let found = messages("OTEL_PROPAGATORS=tracecontext,b4,b3,nonsense")
    #expect(found.count == 2)
    #expect(found.allSatisfy { $0.contains("is left out") })
    #expect(messages("OTEL_TRACES_EXPORTER=otlp,none")[0].contains("none is left out"))
    let exporters = messages("OTEL_TRACES_EXPORTER=console, zipkin, otlp, console")
    #expect(exporters.count == 1 && exporters[0].contains("\"zipkin\"") && exporters[0].contains("is left out. Supported: otlp, console, none."))
  }

  @Test func aListWithNothingSupportedSaysWhatApplies() {
    let found = messages("OTEL_TRACES_EXPORTER=zipkin,logging")
    #expect(found.count == 3 && found[2].contains("names nothing that is supported; the default otlp applies."))
    // `none` is what is left.
    #expect(messages("OTEL_TRACES_EXPORTER=none,logging").count == 1)
    #expect(messages("OTEL_TRACES_EXPORTER=none,none").isEmpty)
  }

  @Test func neverShowsAHeader() {
    for name in ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_METRICS_HEADERS"] {
      let found = messages("\(name)=good=1,s3cret,x=%zs3cret,s3 cret=1,a=s3cret%0d%0aB: c,=s3cret")
      #expect(found.count == 5)
      #expect(found.allSatisfy { !$0.contains("s3") && $0.hasPrefix(name) })
      #expect(found[0].contains("2nd pair has no '='"))
      #expect(found[3].contains("5th pair has a control character"))
    }
  }

  @Test func neverShowsWhatAURLHides() {
    let message = messages("OTEL_EXPORTER_OTLP_ENDPOINT=ftp://user:s3cret@host/path?key=s3cret")[0]
    #expect(!message.contains("s3cret"))
    #expect(!message.contains("user"))
    #expect(message.contains("\"ftp://...@host/path?...\""))
  }

  @Test func batchIsNotMoreThanTheQueue() {
    #expect(messages("OTEL_BSP_MAX_QUEUE_SIZE=100", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=200")[0].contains("batches of 100 are sent"))
    #expect(messages("OTEL_BSP_MAX_EXPORT_BATCH_SIZE=4096")[0].contains("batches of 512 are sent"))
    #expect(messages("OTEL_BSP_MAX_QUEUE_SIZE=100", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=100") == [])
  }

  @Test func tellsWhatIsNotSupportedYet() {
    #expect(messages("OTEL_CONFIG_FILE=/etc/otel.yaml")[0].contains("does not support it yet"))
    #expect(messages("OTEL_CONFIG_FILE=") == [])
  }

  @Test(arguments: [
    ("OTEL_NATIVE_EXCLUDED_URLS", "health,(a", "(a"), ("OTEL_NATIVE_CURL_EXCLUDED_URLS", "a{1,2},x(?=y)", "x(?=y)"),
    ("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST", "x-.*,[z-a]", "[z-a]"),
    ("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE", "(abc){200}", "(abc){200}"),
    ("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS", "a**", "a**"),
    ("OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_REQUEST_HEADERS", "ok, x-*", "x-*"), ("OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_RESPONSE_HEADERS", "a:b,c", "a:b"),
    ("OTEL_INSTRUMENTATION_COMMON_PEER_SERVICE_MAPPING", "h=s,h:0=s,[::1]:80=t", "h:0=s"), ("OTEL_INSTRUMENTATION_COMMON_PEER_SERVICE_MAPPING", "h", "h"),
  ])
  func leavesOutTheItemThatIsWrong(_ name: String, _ value: String, _ item: String) {
    let found = messages("\(name)=\(value)")
    #expect(found.count == 1 && found[0].hasPrefix("\(name): \"\(item)\" ") && found[0].contains("; it is left out. "))
  }

  @Test func suggestsTheNameThatWasMeant() {
    #expect(messages("OTEL_EXPORTER_OTLP_ENDPONT=x")[0].contains("Did you mean OTEL_EXPORTER_OTLP_ENDPOINT?"))
    #expect(messages("OTEL_SERVICENAME=x")[0].contains("Did you mean OTEL_SERVICE_NAME?"))
    #expect(messages("OTEL_JAVAAGENT_ENABLED=true", "HOTEL_SERVICE_NAME=x") == [])
  }

  @Test func showsAnyValueOnOneShortLine() {
    let message = messages("OTEL_SDK_DISABLED=" + "\u{1b}[31m\n" + String(repeating: "x", count: 5000))[0]
    #expect(message.contains(#""\x1b[31m\x0ax"#))
    #expect(message.utf8.count < 200)
  }
}
