import OTelConfiguration
import Testing

@testable import OTelRelay

@Suite struct ExportSettingsTests {
  private func settings(_ entries: String...) -> ExportSettings { ExportSettings(Array(entries.map { $0 + "\0" }.joined().utf8)) }

  @Test func batchSettings() {
    #expect(settings().batch == BatchSettings())
    let found = settings("OTEL_BSP_SCHEDULE_DELAY=0", "OTEL_BSP_EXPORT_TIMEOUT=1", "OTEL_BSP_MAX_QUEUE_SIZE=100", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=7")
    #expect(found.batch.scheduleDelayMilliseconds == 0)
    #expect(found.batch.exportTimeoutMilliseconds == 1)
    #expect(found.batch.maxQueueSize == 100)
    #expect(found.batch.maxExportBatchSize == 7)
  }

  @Test func invalidBatchSettings() {
    let found = settings("OTEL_BSP_SCHEDULE_DELAY=5s", "OTEL_BSP_MAX_QUEUE_SIZE=0")
    #expect(found.batch == BatchSettings())
    #expect(found.problems.map(\.name) == ["OTEL_BSP_SCHEDULE_DELAY", "OTEL_BSP_MAX_QUEUE_SIZE"])
    #expect(settings("OTEL_BSP_MAX_QUEUE_SIZE=10").batch.maxExportBatchSize == 10)
    #expect(settings("OTEL_BSP_MAX_QUEUE_SIZE=10").problems.isEmpty)
    let tooLarge = settings("OTEL_BSP_MAX_QUEUE_SIZE=10", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=20")
    #expect(tooLarge.batch.maxExportBatchSize == 10)
    #expect(tooLarge.problems.count == 1)
  }
}
