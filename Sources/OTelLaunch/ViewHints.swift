import OTelConfiguration
import OTelInspection
import OTelPrimitives

/// Why a view may be empty, for the user who sees nothing.
enum ViewHints {
  /// The one known reason, or what it might be. Sentences.
  static func sentences(_ environment: Environment, usesAgent: Bool, obstacle: String?, program: ByteString) -> [String] {
    if let obstacle { return [obstacle] }
    if let reason = environment.withBlock({ reason($0, usesAgent: usesAgent) }) { return [reason] }
    return [
      "nothing that \(program) did is traced. Traced are requests by libcurl, and TCP connections that are waited for.",
      "If there should have been some, try otel-instrument --check \(program).",
    ]
  }

  private static func reason(_ environment: EnvironmentBlock, usesAgent: Bool) -> String? {
    func isTrue(_ name: StaticString) -> Bool { environment.value(name).flatMap { ValueParser.boolean($0) } == true }
    if MachineSwitch.isOff { return MachineSwitch.sentence }
    guard usesAgent, !isTrue("OTEL_NATIVE_DISABLED") else { return "OTEL_NATIVE_DISABLED=true switches the agent off." }
    if isTrue("OTEL_SDK_DISABLED") { return "OTEL_SDK_DISABLED=true switches recording off." }
    func list(_ name: StaticString, has wanted: StaticString) -> Bool {
      guard let value = environment.value(name) else { return false }
      var items = ListItems(value)
      while let item = items.next() {
        if item.equalsIgnoringCase(wanted) { return true }
      }
      return false
    }
    let exporters = TraceExporters(environment.value("OTEL_TRACES_EXPORTER"))
    if !exporters.otlp {
      return exporters.console
        ? "OTEL_TRACES_EXPORTER=console writes spans to standard error alone. Leave it unset, or write otlp,console."
        : "OTEL_TRACES_EXPORTER=none switches spans off. Leave it unset: a view exports nothing anyway."
    }
    if list("OTEL_NATIVE_DISABLED_INSTRUMENTATIONS", has: "*") {
      return "OTEL_NATIVE_DISABLED_INSTRUMENTATIONS=* switches every instrumentation off."
    }
    guard let sampler = environment.value("OTEL_TRACES_SAMPLER") else { return nil }
    for name in ["always_off", "parentbased_always_off", "traceidratio", "parentbased_traceidratio"] as [StaticString]
    where sampler.trimmed.equalsIgnoringCase(name) {
      return "OTEL_TRACES_SAMPLER=\(name) sampled none of what there was, if anything."
    }
    return nil
  }
}
