public import COTelShims
public import OTelPrimitives
public import OTelSDK
public import OTelAPI
public import OTelConfiguration

/// Turns the environment into the SDK's options. The only place where the two meet.
///
/// Runs once, in the ELF constructor: no allocation, no failure. A value that is not understood leaves the default, as the
/// specification says; `otel-instrument` names it on its standard error.
public struct Configurator {
  /// `OTEL_*` as the user set them, then the distribution's defaults.
  let environment: EnvironmentBlock

  public init(_ environment: EnvironmentBlock) { self.environment = environment }

  /// - Parameters:
  ///   - context: what the environment says of the process's parent; kept for the process's life.
  ///   - baggage: the entries of the environment that are `BaggageHeader`s.
  public func configure(_ options: inout TracerOptions, context: ContextFields, baggage: EnvironmentBlock) {
    options.sampler = sampler
    options.limits = limits
    options.isDisabled = isTrue("OTEL_SDK_DISABLED")
    options.exportsToRelay = exporters.otlp
    options.exportsToConsole = exporters.console
    PropagationSettings(environment).configure(&options, context, baggage)
  }

  public var exporters: TraceExporters { TraceExporters(environment.value("OTEL_TRACES_EXPORTER")) }

  /// For the exporter console alone: looks at standard error, and at the process.
  public func configureConsole(_ options: inout TracerOptions) {
    otel_console_open(&options.console)
    var attributes = ResourceAttributes(environment, storage: otel_resource_storage(), capacity: Int(OTEL_RESOURCE_STORAGE))
    options.resource = attributes.resource(environment, options.region)
  }

  private func isTrue(_ name: StaticString) -> Bool {
    guard let value = environment.value(name) else { return false }
    return ValueParser.boolean(value) ?? false
  }

  private var sampler: Sampler {
    guard let name = environment.value("OTEL_TRACES_SAMPLER")?.trimmed else { return Sampler(threshold: 0, isParentBased: true) }
    if name.equalsIgnoringCase("always_on") { return Sampler(threshold: 0, isParentBased: false) }
    if name.equalsIgnoringCase("always_off") { return Sampler(threshold: Sampler.never, isParentBased: false) }
    if name.equalsIgnoringCase("traceidratio") { return Sampler(threshold: ratioThreshold, isParentBased: false) }
    if name.equalsIgnoringCase("parentbased_always_off") { return Sampler(threshold: Sampler.never, isParentBased: true) }
    if name.equalsIgnoringCase("parentbased_traceidratio") { return Sampler(threshold: ratioThreshold, isParentBased: true) }
    return Sampler(threshold: 0, isParentBased: true)
  }

  /// `OTEL_TRACES_SAMPLER_ARG` as a rejection threshold; an invalid ratio counts as unset, which is 1.
  private var ratioThreshold: UInt64 {
    guard let value = environment.value("OTEL_TRACES_SAMPLER_ARG"), let probability = ValueParser.probability(value) else { return 0 }
    return Sampler.never &- probability
  }

  /// Model-specific before general (common/README.md, "Configurable parameters").
  private var limits: SpanLimits {
    var limits = SpanLimits()
    if let count = limit("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT") ?? limit("OTEL_ATTRIBUTE_COUNT_LIMIT") { limits.attributeCount = count }
    if let length = limit("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT") ?? limit("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT") {
      limits.attributeValueLength = length
    }
    return limits
  }

  private func limit(_ name: StaticString) -> UInt32? {
    guard let value = environment.value(name), let number = ValueParser.integer(value) else { return nil }
    return UInt32(truncatingIfNeeded: number)
  }

  // MARK: The relay

  /// Fills in how the relay is found and whether it may be started. False: `off`.
  public func configureRelay(_ start: inout otel_relay_start, isFirstProcess: Bool) -> Bool {
    start.environment.mode = OTEL_RELAY_AUTO
    start.may_start = !isFirstProcess
    guard let value = environment.value("OTEL_NATIVE_RELAY"), let choice = RelayChoice(value) else { return true }
    switch choice {
    case .automatic: break
    case .start:
      start.environment.mode = OTEL_RELAY_START
      start.may_start = true
    case .external:
      start.environment.mode = OTEL_RELAY_EXTERNAL
      start.may_start = false
    case .path(let path):
      start.environment.mode = OTEL_RELAY_PATH
      start.may_start = false
      start.environment.path = Self.string(path)
    case .off: return false
    }
    return true
  }

  /// The files that an https exporter needs (specification, protocol/exporter.md). The process reads them itself, when it makes its
  /// region.
  public var tlsPaths: otel_tls_paths {
    otel_tls_paths(
      certificate: path("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"),
      client_certificate: path("OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"),
      client_key: path("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "OTEL_EXPORTER_OTLP_CLIENT_KEY"))
  }

  private func path(_ own: StaticString, _ common: StaticString) -> UnsafePointer<CChar>? {
    (environment.value(own) ?? environment.value(common)).map { Self.string($0.trimmed) }
  }

  /// A value without the space around it as a C string: it ends its entry, or has its NUL put behind it. The block is our own copy.
  private static func string(_ value: Text) -> UnsafePointer<CChar> {
    if value.start[value.count] != 0 { UnsafeMutablePointer(mutating: value.start)[value.count] = 0 }
    return UnsafeRawPointer(value.start).assumingMemoryBound(to: CChar.self)
  }

  /// `OTEL_NATIVE_DLSYM`: whether what programs look up themselves is traced.
  public var answersDlsym: Bool {
    guard let value = environment.value("OTEL_NATIVE_DLSYM") else { return true }
    return ValueParser.boolean(value) ?? false
  }

  /// `OTEL_NATIVE_CURL_PHASES`: whether the phases of libcurl's transfers are recorded.
  public var recordsCurlPhases: Bool { isTrue("OTEL_NATIVE_CURL_PHASES") }

  /// `OTEL_NATIVE_DEEPBIND`: false: plug-ins that use libcurl are loaded without RTLD_DEEPBIND.
  public var keepsDeepBind: Bool {
    guard let value = environment.value("OTEL_NATIVE_DEEPBIND") else { return true }
    return ValueParser.boolean(value) ?? false
  }

  /// `OTEL_NATIVE_STAND_DOWN`: whether nothing is recorded beside the agent of the program's own language.
  public var standsDown: Bool { LanguageAgent.standsDown(environment.value("OTEL_NATIVE_STAND_DOWN")) }
}

