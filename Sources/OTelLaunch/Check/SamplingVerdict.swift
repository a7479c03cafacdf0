import OTelConfiguration
import OTelPrimitives

/// Whether the sampler will drop every trace: asked before anything is sampled.
enum SamplingVerdict {
  /// nil: some spans will be recorded.
  static func silence(_ environment: EnvironmentBlock) -> String? {
    let sampler = environment.value("OTEL_TRACES_SAMPLER")?.trimmed ?? Text("parentbased_always_on")
    if sampler.equalsIgnoringCase("always_off") { return "OTEL_TRACES_SAMPLER=always_off records no trace. Unset it." }
    // In another format the parent may be anywhere.
    guard !sampler.hasPrefix("parentbased_") || readsTraceContextAlone(environment) else { return nil }
    if sampler.hasPrefix("parentbased_"), let flags = parentFlags(environment) {
      guard flags & 1 == 0 else { return nil }
      return "TRACEPARENT in the environment says that the parent's trace is not recorded, and so none of its children. Unset it, or set "
        + "OTEL_TRACES_SAMPLER=always_on."
    }
    if sampler.equalsIgnoringCase("parentbased_always_off") {
      return "OTEL_TRACES_SAMPLER=parentbased_always_off records no trace without a parent that is recorded, and there is no TRACEPARENT. Unset it."
    }
    let isRatio = sampler.equalsIgnoringCase("traceidratio") || sampler.equalsIgnoringCase("parentbased_traceidratio")
    if isRatio, let ratio = environment.value("OTEL_TRACES_SAMPLER_ARG").flatMap({ ValueParser.probability($0) }), ratio == 0 {
      return "OTEL_TRACES_SAMPLER_ARG is 0, so no trace is recorded. Write for example 0.1 for a tenth of them."
    }
    return nil
  }

  private static func readsTraceContextAlone(_ environment: EnvironmentBlock) -> Bool {
    var items = ListItems(environment.value("OTEL_PROPAGATORS") ?? Text("tracecontext"))
    while let item = items.next() {
      guard item.equalsIgnoringCase("tracecontext") || item.equalsIgnoringCase("baggage") else { return false }
    }
    return true
  }

  /// The last of the four fields `version-trace-parent-flags`; nil without a valid parent (W3C Trace Context, 3.2).
  private static func parentFlags(_ environment: EnvironmentBlock) -> UInt64? {
    guard let value = environment.value("TRACEPARENT")?.trimmed, value.count == 55, value[52] == 0x2d,
      case let digits = String(value.from(53)), let flags = UInt64(digits, radix: 16)
    else { return nil }
    return flags
  }
}
