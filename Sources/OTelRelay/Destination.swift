import OTelExport
import OTelReceiver

/// A collector, as a set of processes addresses it: their waiting spans, the request under way, and what became of the others.
///
/// Destinations know nothing of each other: one that hangs delays none. One request at a time, so that what is exported of a
/// region moves forward in order. One thread.
final class Destination {
  struct Key: Hashable {
    let options: OTLPExporterOptions
    /// A relay of the whole system keeps users apart, also on a connection.
    let userID: UInt32
  }

  struct Failure {
    let failure: ExportFailure
    /// Wall clock.
    let time: UInt64
  }

  let key: Key
  private let exporter: any SpanExporter
  private let budget: QueueBudget
  private let retry = RetryPolicy()
  private let log: RelayLog
  /// What was logged last, and when, in monotonic nanoseconds.
  private var logged: (kind: ExportFailure.Kind, time: UInt64)?

  /// Regions with waiting spans, in the order in which they take part in a request.
  private var waiting: [ServedRegion] = []
  private(set) var waitingBytes = 0
  private(set) var waitingSpans = 0
  private var underWay: ExportRequest?
  private var failures = 0
  private var nextAttempt: UInt64 = 0

  private(set) var deliveredSpans = 0
  private(set) var deliveredRequests = 0
  private(set) var rejectedSpans = 0
  private(set) var refusedSpans = 0
  private(set) var lastSuccess: UInt64?
  private(set) var lastFailure: Failure?

  init(_ key: Key, exporter: any SpanExporter, budget: QueueBudget, log: RelayLog) {
    self.key = key
    self.exporter = exporter
    self.budget = budget
    self.log = log
  }

  var isBusy: Bool { underWay != nil }
  var isIdle: Bool { underWay == nil && waitingSpans == 0 }
  /// Its collector did not take the last request.
  var isFailing: Bool { failures > 0 }

  func addWaiting(_ region: ServedRegion) {
    guard !region.isListed else { return }
    region.isListed = true
    waiting.append(region)
  }

  func account(bytes: Int, spans: Int) {
    waitingBytes += bytes
    waitingSpans += spans
    budget.account(bytes)
  }

  /// Sends a request when one is due and none is under way.
  /// - Parameter flush: all that waits is due.
  func sendIfDue(now: UInt64, flush: Bool) {
    guard underWay == nil, !waiting.isEmpty, now >= nextAttempt else { return }
    forgetEmpty()
    let due = waiting.filter { flush || $0.isDue(now) }
    guard let request = ExportRequest(from: due) else { return }
    for part in request.parts { part.region.inFlight = part.spans }
    underWay = request
    exporter.export(request.body, timeoutMilliseconds: timeout(of: request)) { [weak self] in self?.finished($0) }
  }

  /// The exporter's own, bounded by the batch processor's of every process that takes part; 0 = none.
  private func timeout(of request: ExportRequest) -> Int {
    var limits = request.parts.map(\.region.batch.exportTimeoutMilliseconds)
    limits.append(key.options.timeoutMilliseconds)
    return limits.filter { $0 > 0 }.min() ?? 0
  }

  /// When `sendIfDue` has something to do, if nothing else happens before.
  func nextDue() -> UInt64? {
    guard underWay == nil else { return nil }
    return waiting.lazy.filter { !$0.queue.isEmpty }.map(\.dueTime).min().map { max($0, self.nextAttempt) }
  }

  private func finished(_ outcome: ExportOutcome) {
    guard let request = underWay else { return }
    underWay = nil
    let now = monotonicNanoseconds()
    switch outcome {
    case .delivered(let response): delivered(request, response, now)
    case .postponed(let failure, let retryAfter): postponed(request, failure, retryAfter, now)
    case .refused(let failure):
      failed(failure)
      failures = 0
      refusedSpans += request.spans
      for part in request.parts { part.region.attached.drops[.refused] += part.spans }
      remove(request, now)
    }
  }

  private func delivered(_ request: ExportRequest, _ response: ExportResponse, _ now: UInt64) {
    if failures > 0 { log.info("\(key.options.endpoint.displayURL): works again") }
    if response.rejectedSpans == 0 { logged = nil }
    failures = 0
    nextAttempt = 0
    lastSuccess = wallClockNanoseconds()
    deliveredRequests += 1
    let rejected = min(response.rejectedSpans, request.spans)
    deliveredSpans += request.spans - rejected
    rejectedSpans += rejected
    if rejected > 0 || !response.message.isEmpty {
      failed(ExportFailure(.unknown, "\(key.options.endpoint.displayURL): the collector rejected \(rejected) of \(request.spans) spans: \(response.message)"))
    }
    attribute(request, rejected)
    remove(request, now)
  }

  /// Which spans were rejected is not told; they are counted where there are spans.
  private func attribute(_ request: ExportRequest, _ rejected: Int) {
    var left = rejected
    for part in request.parts {
      let share = min(left, part.spans)
      part.region.attached.drops[.refused] += share
      part.region.delivered += part.spans - share
      left -= share
    }
  }

  /// The spans stay at the front of their queues; the next attempt makes a new request of what is there then.
  private func postponed(_ request: ExportRequest, _ failure: ExportFailure, _ retryAfter: Double?, _ now: UInt64) {
    failed(failure)
    failures += 1
    let delay = retry.delay(failures: failures, retryAfter: retryAfter, random: .random(in: 0..<1))
    nextAttempt = now + UInt64(delay * 1e9)
    for part in request.parts {
      part.region.inFlight = 0
      // A newer region has what this one held.
      if part.region.phase == .discarded { part.region.attached.recorded -= part.region.discardWaiting() }
    }
  }

  private func remove(_ request: ExportRequest, _ now: UInt64) {
    let served = request.parts.map(\.region)
    for part in request.parts {
      part.region.removeFirst(part.spans, now: now)
      part.region.attached.nextScan = now  // There is room in its queue again.
      part.region.isListed = false
    }
    // Who took part goes to the end, so that a busy process does not keep the others waiting.
    waiting.removeAll { !$0.isListed }
    for region in served where !region.queue.isEmpty { addWaiting(region) }
  }

  private func forgetEmpty() {
    for region in waiting where region.queue.isEmpty { region.isListed = false }
    waiting.removeAll { !$0.isListed }
  }

  private func failed(_ failure: ExportFailure) {
    // One line a minute for a collector that is down, not one for every attempt.
    let now = monotonicNanoseconds()
    if logged?.kind != failure.kind || now - (logged?.time ?? 0) >= 60_000_000_000 {
      logged = (failure.kind, now)
      log.warning(failure.message + (failure.hint.map { ": \($0)" } ?? ""))
    }
    lastFailure = Failure(failure: failure, time: wallClockNanoseconds())
  }

  /// Gives up the request under way; its spans are unsent again.
  func cancel() {
    exporter.cancel()
    for part in underWay?.parts ?? [] { part.region.inFlight = 0 }
    underWay = nil
  }
}

extension ServedRegion {
  /// When its waiting spans are to be sent: at once when there is a batch of them, or its process has ended; else after the delay.
  fileprivate var dueTime: UInt64 {
    if phase == .ended || queue.count >= batch.maxExportBatchSize { return 0 }
    return waitingSince + UInt64(batch.scheduleDelayMilliseconds) * 1_000_000
  }

  fileprivate func isDue(_ now: UInt64) -> Bool { now >= dueTime }
}
