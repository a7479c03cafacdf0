import OTelReceiver
import OTelRegion

/// A region the relay serves: the spans read from it that wait for their destination.
///
/// One thread. `Destination` takes its spans.
final class ServedRegion: SpanConsumer {
  let attached: AttachedRegion
  let batch: BatchSettings
  /// Field `resource` of its `ResourceSpans`.
  let resource: [UInt8]
  let destination: Destination

  private(set) var queue = SpanQueue()
  /// Since when the first span of the queue has been waiting.
  private(set) var waitingSince: UInt64 = 0
  /// Spans at the front of the queue that are in the request under way.
  var inFlight = 0
  /// It is in its destination's list.
  var isListed = false
  var delivered = 0
  /// Ring position behind the span that left the queue last.
  private var lastRemovedEnd: UInt64 = 0

  init(_ attached: AttachedRegion, batch: BatchSettings, resource: [UInt8], destination: Destination) {
    self.attached = attached
    self.batch = batch
    self.resource = resource
    self.destination = destination
  }

  var identity: ProcessIdentity { attached.identity }
  var phase: AttachedRegion.Phase { attached.phase }

  /// Nothing more will come of it and nothing of it is under way: it can be let go.
  var isFinished: Bool { inFlight == 0 && queue.isEmpty && attached.isFinished }

  var room: Int { max(0, batch.maxQueueSize - queue.count) }

  func consume(_ span: UnsafeRawBufferPointer, tag: RecordTag, ringEnd: UInt64, now: UInt64) {
    if queue.isEmpty {
      waitingSince = now
      destination.addWaiting(self)
    }
    let before = queue.byteCount
    queue.append(span, tag: tag, ringEnd: ringEnd)
    destination.account(bytes: queue.byteCount - before, spans: 1)
  }

  func hasRead(_ attached: AttachedRegion) { advanceExported() }

  /// The first `number` spans were delivered or given up.
  func removeFirst(_ number: Int, now: UInt64) {
    let before = (queue.byteCount, queue.count)
    if number > 0 { lastRemovedEnd = queue[number - 1].ringEnd }
    queue.removeFirst(number)
    destination.account(bytes: queue.byteCount - before.0, spans: queue.count - before.1)
    inFlight = 0
    waitingSince = now
    advanceExported()
  }

  @discardableResult
  func discardWaiting() -> Int {
    let before = (queue.byteCount, queue.count)
    queue.removeAll(keepingFirst: inFlight)
    destination.account(bytes: queue.byteCount - before.0, spans: queue.count - before.1)
    return before.1 - queue.count
  }

  /// All before the first span that still waits is exported, or everything read when none does.
  private func advanceExported() { attached.advanceExported(to: queue.isEmpty ? attached.readPosition : lastRemovedEnd) }
}
