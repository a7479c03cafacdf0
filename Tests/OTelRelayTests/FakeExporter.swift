import Glibc
import OTelExport
import OTelReceiver
import OTelTestSupport

@testable import OTelRelay

/// Keeps what it is given until the test says what became of it.
final class FakeExporter: SpanExporter {
  private(set) var requests: [DecodedRequest] = []
  private(set) var timeouts: [Int] = []
  private var completion: ((ExportOutcome) -> Void)?

  func export(_ request: [UInt8], timeoutMilliseconds: Int, completion: @escaping (ExportOutcome) -> Void) {
    requests.append(DecodedRequest(request))
    timeouts.append(timeoutMilliseconds)
    self.completion = completion
  }

  func cancel() { completion = nil }

  func answer(_ outcome: ExportOutcome = .delivered(ExportResponse())) {
    let waiting = completion
    completion = nil
    waiting?(outcome)
  }
}

/// What serves a region, but for the event loop.
final class RelayBench {
  let exporter = FakeExporter()
  let reader = RegionReader()
  let budget = QueueBudget()
  let destination: Destination

  init() {
    let options = OTLPExporterOptions(endpoint: .defaultTraces)
    destination = Destination(
      .init(options: options, userID: 0), exporter: exporter, budget: budget, log: RelayLog(path: nil, level: .none, echoes: false))
  }

  func attach(_ host: TestRegion, now: UInt64 = 0) throws -> ServedRegion {
    let region = try Region(adopting: dup(host.descriptor))
    let bytes = region.identity()
    let (identity, settings) = (ProcessIdentity(bytes), ExportSettings(bytes))
    let resource = ResourceBuilder(host: HostResource()).encoded(identity, instance: region.instance)
    let attached = AttachedRegion(region, identity: identity, peerUserID: 0, now: now)
    reader.attach(attached, now: now)
    return ServedRegion(attached, batch: settings.batch, resource: resource, destination: destination)
  }

  /// Looks at the region once. Returns how many of its spans wait now.
  @discardableResult
  func scan(_ served: ServedRegion, now: UInt64 = 0) -> Int {
    reader.scan(served.attached, into: served, now: now, mayQueue: budget.allows(destination))
    return served.queue.count
  }
}
