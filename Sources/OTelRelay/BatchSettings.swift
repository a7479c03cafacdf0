import OTelConfiguration
import OTelPrimitives

/// A process's batch processor, as its `OTEL_BSP_*` variables say (specification, configuration/sdk-environment-variables.md, "Batch
/// Span Processor"; trace/sdk.md, "Batching processor").
struct BatchSettings: Equatable {
  /// Longest wait of a span before its batch is sent, in milliseconds.
  var scheduleDelayMilliseconds = 5000
  /// Of one export, in milliseconds; 0 = no limit.
  var exportTimeoutMilliseconds = 30_000
  /// Spans of the process that wait in the relay; behind them its region fills.
  var maxQueueSize = 2048
  var maxExportBatchSize = 512

  init() {}

  init(_ environment: EnvironmentBlock, problems: inout [InvalidSetting]) {
    func number(_ name: StaticString, least: UInt64, default fallback: Int, unit: String) -> Int {
      guard let value = environment.value(name) else { return fallback }
      if let number = ValueParser.integer(value, least: least) { return Int(number) }
      problems.append(
        InvalidSetting("\(name)", "\"\(String(value))\" is not a number of \(unit) of at least \(least); \(fallback) is used."))
      return fallback
    }
    scheduleDelayMilliseconds = number("OTEL_BSP_SCHEDULE_DELAY", least: 0, default: 5000, unit: "milliseconds")
    exportTimeoutMilliseconds = number("OTEL_BSP_EXPORT_TIMEOUT", least: 0, default: 30_000, unit: "milliseconds")
    maxQueueSize = number("OTEL_BSP_MAX_QUEUE_SIZE", least: 1, default: 2048, unit: "spans")
    maxExportBatchSize = number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", least: 1, default: min(512, maxQueueSize), unit: "spans")
    if maxExportBatchSize > maxQueueSize {
      problems.append(
        InvalidSetting(
          "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
          "\(maxExportBatchSize) is more than OTEL_BSP_MAX_QUEUE_SIZE, which is \(maxQueueSize); \(min(512, maxQueueSize)) is used."))
      maxExportBatchSize = min(512, maxQueueSize)
    }
    // What one process may ask of a relay that others share.
    maxQueueSize = min(maxQueueSize, Self.largestQueue)
    maxExportBatchSize = min(maxExportBatchSize, maxQueueSize)
  }

  static let largestQueue = 65_536
}
