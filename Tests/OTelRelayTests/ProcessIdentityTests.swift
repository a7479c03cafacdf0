import OTelExport
import Testing

@testable import OTelRelay

@Suite struct ProcessIdentityTests {
  private func identity(_ entries: String...) -> ProcessIdentity { ProcessIdentity(Array(entries.map { $0 + "\0" }.joined().utf8)) }

  @Test func serviceName() {
    #expect(identity().serviceName == "unknown_service")
    #expect(identity("process.executable.path=/usr/bin/curl").serviceName == "unknown_service:curl")
    #expect(identity("process.executable.path=/usr/bin/curl (deleted)").serviceName == "unknown_service:curl")
    #expect(identity("process.executable.path=/usr/bin/curl", "OTEL_RESOURCE_ATTRIBUTES=service.name=a").serviceName == "a")
    #expect(identity("OTEL_RESOURCE_ATTRIBUTES=service.name=a", "OTEL_SERVICE_NAME=b").serviceName == "b")
    #expect(identity("OTEL_RESOURCE_ATTRIBUTES=service.name=", "process.executable.path=/x/y").serviceName == "unknown_service:y")
  }

  @Test func resourceAttributes() {
    let found = identity("OTEL_RESOURCE_ATTRIBUTES= a = 1 , b=x%2Cy%3D,c=,b=2,d=e=f")
    #expect(found.userAttributes.map { "\($0.key)=\($0.value)" } == ["a=1", "c=", "b=2", "d=e=f"])
    #expect(found.problems.isEmpty)
  }

  @Test("Any error discards the whole variable", arguments: ["a=1,b", "a=%zz", "=1", "a=%ff"])
  func invalidResourceAttributes(_ value: String) {
    let found = identity("OTEL_RESOURCE_ATTRIBUTES=ok=1,\(value)")
    #expect(found.userAttributes.isEmpty)
    #expect(found.problems.map(\.name) == ["OTEL_RESOURCE_ATTRIBUTES"])
  }

  @Test func bytesThatAreNoText() {
    let found = ProcessIdentity(Array("process.executable.path=/bin/".utf8) + [0xff, 0xfe, 0] + Array("process.pid=abc".utf8))
    #expect(found.executableName == "\u{fffd}\u{fffd}")
    #expect(found.processID == nil)
  }

  @Test func batchSettings() {
    #expect(identity().batch == BatchSettings())
    let found = identity("OTEL_BSP_SCHEDULE_DELAY=0", "OTEL_BSP_EXPORT_TIMEOUT=1", "OTEL_BSP_MAX_QUEUE_SIZE=100", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=7")
    #expect(found.batch.scheduleDelayMilliseconds == 0)
    #expect(found.batch.exportTimeoutMilliseconds == 1)
    #expect(found.batch.maxQueueSize == 100)
    #expect(found.batch.maxExportBatchSize == 7)
  }

  @Test func invalidBatchSettings() {
    let found = identity("OTEL_BSP_SCHEDULE_DELAY=5s", "OTEL_BSP_MAX_QUEUE_SIZE=0")
    #expect(found.batch == BatchSettings())
    #expect(found.problems.map(\.name) == ["OTEL_BSP_SCHEDULE_DELAY", "OTEL_BSP_MAX_QUEUE_SIZE"])
    #expect(identity("OTEL_BSP_MAX_QUEUE_SIZE=10").batch.maxExportBatchSize == 10)
    #expect(identity("OTEL_BSP_MAX_QUEUE_SIZE=10").problems.isEmpty)
    let tooLarge = identity("OTEL_BSP_MAX_QUEUE_SIZE=10", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=20")
    #expect(tooLarge.batch.maxExportBatchSize == 10)
    #expect(tooLarge.problems.count == 1)
  }
}
