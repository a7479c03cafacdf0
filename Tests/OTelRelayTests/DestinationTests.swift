import Glibc
import OTelExport
import OTelReceiver
import OTelRegion
import OTelTestSupport
import Testing

@testable import OTelRelay

@Suite struct DestinationTests {
  let bench = RelayBench()
  private let failure = ExportFailure(.unreachable, "http://c: connection refused")

  private func host(_ variables: String..., spans: Int) -> TestRegion {
    let host = TestRegion(variables)
    for id in 0..<spans { host.append(encodedSpan("s\(id)", id: UInt8(id % 255 + 1))) }
    return host
  }

  @Test("A batch is sent when it is full, or its first span has waited long enough")
  func whenDue() throws {
    let full = host("OTEL_BSP_MAX_EXPORT_BATCH_SIZE=4", "OTEL_BSP_SCHEDULE_DELAY=60000", spans: 5)
    let served = try bench.attach(full)
    bench.scan(served)
    bench.destination.sendIfDue(now: 0, flush: false)
    #expect(bench.exporter.requests.map(\.spanNames) == [["s0", "s1", "s2", "s3"]])
    bench.destination.sendIfDue(now: 1 << 60, flush: false)
    #expect(bench.exporter.requests.count == 1, "one request at a time")
    bench.exporter.answer()
    #expect(served.delivered == 4)
    #expect(served.queue.count == 1)
    let exported = try #require(full.relayWord(Layout.exportedOffset))
    #expect(exported > 0 && exported < full.tail)
    let due = try #require(bench.destination.nextDue())
    bench.destination.sendIfDue(now: due - 1, flush: false)
    #expect(bench.exporter.requests.count == 1)
    bench.destination.sendIfDue(now: due, flush: false)
    #expect(bench.exporter.requests.last?.spanNames == ["s4"])
    bench.exporter.answer()
    #expect(full.relayWord(Layout.exportedOffset) == full.tail)
    #expect(bench.destination.isIdle)
    #expect(bench.budget.bytes == 0)
  }

  @Test("Ended processes share a request, up to a batch")
  func coalescing() throws {
    for _ in 0..<300 {
      let short = host(spans: 2)
      let served = try bench.attach(short)
      short.end()
      bench.scan(served)
    }
    bench.destination.sendIfDue(now: 0, flush: false)
    bench.exporter.answer()
    bench.destination.sendIfDue(now: 0, flush: false)
    #expect(bench.exporter.requests.map { $0.spanNames.count } == [512, 88])
    #expect(bench.exporter.requests.map(\.resources.count) == [256, 44])
    #expect(bench.exporter.requests.map(\.isMalformed) == [false, false])
  }

  @Test func resourceAndScopes() throws {
    let host = TestRegion(["OTEL_SERVICE_NAME=shop"])
    host.append(encodedSpan("a", id: 1))
    host.append(encodedSpan("b", id: 2), scope: .sockets)
    host.append(encodedSpan("c", id: 3))
    let served = try bench.attach(host)
    bench.scan(served)
    bench.destination.sendIfDue(now: 0, flush: true)
    let resource = try #require(bench.exporter.requests.first?.resources.first)
    #expect(resource.attributes["service.name"] == "shop")
    #expect(resource.schemaURL == "https://opentelemetry.io/schemas/1.44.0")
    #expect(resource.scopes.map(\.name) == ["otelagent.instrumentation.curl", "otelagent.instrumentation.sockets"])
    #expect(resource.scopes.map(\.version) == ["0.1.0", "0.1.0"])
    #expect(resource.scopes.map(\.schemaURL) == [resource.schemaURL, resource.schemaURL])
    #expect(resource.scopes.map { $0.spans.map(\.name) } == [["a", "c"], ["b"]])
  }

  @Test("After a failure that may pass, the same spans are sent again, later")
  func retry() throws {
    let host = host(spans: 3)
    let served = try bench.attach(host)
    bench.scan(served)
    bench.destination.sendIfDue(now: 0, flush: true)
    bench.exporter.answer(.postponed(failure, retryAfter: nil))
    #expect(served.queue.count == 3)
    #expect(bench.destination.isFailing)
    bench.destination.sendIfDue(now: try #require(bench.destination.nextDue()) - 1, flush: true)
    #expect(bench.exporter.requests.count == 1, "not at once")
    bench.destination.sendIfDue(now: .max, flush: true)
    #expect(bench.exporter.requests.map { $0.spanNames.count } == [3, 3])
    bench.exporter.answer()
    #expect(served.delivered == 3)
    #expect(!bench.destination.isFailing)
    #expect(host.relayWord(Layout.exportedOffset) == host.tail)
  }

  @Test func aServersWishIsObeyed() throws {
    let served = try bench.attach(host(spans: 1))
    bench.scan(served)
    bench.destination.sendIfDue(now: 0, flush: true)
    let before = monotonicNanoseconds()
    bench.exporter.answer(.postponed(failure, retryAfter: 30))
    #expect(try #require(bench.destination.nextDue()) >= before + 30_000_000_000)
  }

  @Test("What the collector refuses is dropped and counted, and counts as exported")
  func refused() throws {
    let host = host(spans: 3)
    let served = try bench.attach(host)
    bench.scan(served)
    bench.destination.sendIfDue(now: 0, flush: true)
    bench.exporter.answer(.refused(ExportFailure(.status(401), "no")))
    #expect(served.attached.drops[.refused] == 3)
    #expect(served.queue.isEmpty)
    #expect(host.relayWord(Layout.exportedOffset) == host.tail)
    #expect(bench.destination.lastFailure?.failure.hint?.contains("OTEL_EXPORTER_OTLP_HEADERS") == true)
  }

  @Test func partialSuccessIsNotRetried() throws {
    let served = try bench.attach(host(spans: 3))
    bench.scan(served)
    bench.destination.sendIfDue(now: 0, flush: true)
    var response = ExportResponse()
    (response.rejectedSpans, response.message) = (2, "too old")
    bench.exporter.answer(.delivered(response))
    #expect(served.delivered == 1)
    #expect(served.attached.drops[.refused] == 2)
    #expect(bench.destination.isIdle)
    #expect(bench.destination.lastFailure?.failure.message.contains("too old") == true)
  }

  @Test("Of a superseded region, what is under way is finished and the rest forgotten")
  func superseded() throws {
    let host = host("OTEL_BSP_MAX_EXPORT_BATCH_SIZE=2", spans: 5)
    let served = try bench.attach(host)
    bench.scan(served)
    bench.destination.sendIfDue(now: 0, flush: true)
    host.set(Layout.supersededOffset, 1)
    bench.scan(served)
    #expect(served.queue.count == 2)
    #expect(!served.isFinished)
    bench.exporter.answer(.postponed(failure, retryAfter: nil))
    #expect(served.queue.isEmpty)
    #expect(served.isFinished)
    bench.destination.sendIfDue(now: .max, flush: true)
    #expect(bench.exporter.requests.count == 1)
    #expect(bench.budget.bytes == 0)
  }

  @Test("A busy process does not keep another waiting")
  func fairness() throws {
    let busy = host("OTEL_BSP_MAX_EXPORT_BATCH_SIZE=2", spans: 6)
    let first = try bench.attach(busy)
    let second = try bench.attach(host("OTEL_BSP_MAX_EXPORT_BATCH_SIZE=2", "OTEL_SERVICE_NAME=other", spans: 2))
    bench.scan(first)
    bench.scan(second)
    for _ in 0..<2 {
      bench.destination.sendIfDue(now: 0, flush: true)
      bench.exporter.answer()
    }
    #expect(bench.exporter.requests.last?.resources.first?.attributes["service.name"] == "other")
  }

  @Test func timeouts() throws {
    let served = try bench.attach(host("OTEL_BSP_EXPORT_TIMEOUT=700", spans: 1))
    bench.scan(served)
    bench.destination.sendIfDue(now: 0, flush: true)
    #expect(bench.exporter.timeouts == [700])
  }

  @Test("Memory for waiting spans is bounded over all destinations, and each keeps a little")
  func budget() throws {
    let host = TestRegion(["OTEL_BSP_MAX_QUEUE_SIZE=65536"])
    let served = try bench.attach(host)
    var id: UInt8 = 1
    while served.queue.byteCount <= QueueBudget.limit {
      host.append(encodedSpan(String(repeating: "x", count: 60_000), id: id))
      id = id % 250 + 1
      bench.scan(served)
    }
    let held = served.queue.count
    host.append(encodedSpan(id: 1))
    #expect(bench.scan(served) == held)
    let other = Destination(
      .init(options: OTLPExporterOptions(endpoint: .defaultTraces), userID: 1), exporter: FakeExporter(), budget: bench.budget,
      log: RelayLog(path: nil, level: .none, echoes: false))
    #expect(bench.budget.allows(other))
    #expect(!bench.budget.allows(bench.destination))
  }
}
