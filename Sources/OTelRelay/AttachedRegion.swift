import OTelRegion

/// A region the relay serves: its memfd, its process's identity, and how far it was read and exported.
///
/// One thread. `RegionReader` moves it forward, `Destination` takes its spans.
final class AttachedRegion {
  enum Phase: Equatable {
    /// Some process maps it.
    case live
    /// No process maps it any more; what is in it is final.
    case ended
    /// Nothing is to be had from it any more: a newer region took over, or its indices made no sense.
    case discarded
  }

  let region: Region
  let identity: ProcessIdentity
  /// Who handed it over.
  let peerUserID: UInt32
  /// Field `resource` of its `ResourceSpans`.
  let resource: [UInt8]
  let destination: Destination

  var phase = Phase.live
  /// Position up to which records were read; the value of the region's `read` word.
  var readPosition: UInt64 = 0
  /// `tail` as last seen.
  var tail: UInt64 = 0
  var exportedPosition: UInt64 = 0
  /// Spans of open slots were closed; happens once.
  var hasClosedSlots = false
  /// A fresh region was asked for.
  var hasAskedForRenewal = false
  /// When the record at `readPosition` was first seen unfinished, while later ones are there.
  var stuckSince: UInt64?
  private(set) var queue = SpanQueue()
  /// Since when the first span of the queue has been waiting.
  var waitingSince: UInt64 = 0
  /// Spans at the front of the queue that are in the request under way.
  var inFlight = 0
  /// It is in its destination's list.
  var isListed = false

  // Scanning, in monotonic nanoseconds.
  var lastMoved: UInt64
  var nextScan: UInt64 = 0
  var lastHeartbeat: UInt64 = 0
  var endedAt: UInt64 = 0

  // Counts
  var recorded = 0
  var delivered = 0
  var drops = DropCounts()
  /// What the host dropped, by `DropReason.rawValue`, as last seen.
  var hostDrops = [UInt64](repeating: 0, count: DropReason.count)
  /// The last span ids read: a span whose process ended between committing it and freeing its slot is not closed a second time.
  private var recentSpanIDs = [UInt64](repeating: 0, count: 64)
  private var recentCursor = 0

  init(_ region: Region, identity: ProcessIdentity, peerUserID: UInt32, resource: [UInt8], destination: Destination, now: UInt64) {
    self.region = region
    self.identity = identity
    self.peerUserID = peerUserID
    self.resource = resource
    self.destination = destination
    lastMoved = now
  }

  /// Nothing more will come of it and nothing of it is under way: it can be let go.
  var isFinished: Bool {
    guard inFlight == 0 else { return false }
    switch phase {
    case .live: return false
    case .ended: return queue.isEmpty && isReadToTheEnd
    case .discarded: return queue.isEmpty
    }
  }

  /// All that an ended process left is in the queue, or gone.
  var isReadToTheEnd: Bool { readPosition == tail && hasClosedSlots }

  /// Spans that may still be read from it before its queue is full.
  var room: Int { max(0, identity.batch.maxQueueSize - queue.count) }

  func enqueue(_ span: UnsafeRawBufferPointer, tag: RecordTag, spanID: UInt64, ringEnd: UInt64, now: UInt64) {
    if queue.isEmpty {
      waitingSince = now
      destination.addWaiting(self)
    }
    let before = queue.byteCount
    queue.append(span, tag: tag, ringEnd: ringEnd)
    destination.account(bytes: queue.byteCount - before, spans: 1)
    recentSpanIDs[recentCursor & 63] = spanID
    recentCursor &+= 1
    recorded += 1
  }

  func hasRecentlyRead(spanID: UInt64) -> Bool { recentSpanIDs.contains(spanID) }

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

  /// Forgets what is waiting and not under way. Returns how many spans that were.
  @discardableResult
  func discardQueue() -> Int {
    let before = (queue.byteCount, queue.count)
    queue.removeAll(keepingFirst: inFlight)
    destination.account(bytes: queue.byteCount - before.0, spans: queue.count - before.1)
    return before.1 - queue.count
  }

  /// All before the first span that still waits is exported, or everything read when none does.
  func advanceExported() {
    let position = queue.isEmpty ? readPosition : lastRemovedEnd
    guard position > exportedPosition else { return }
    exportedPosition = position
    if phase == .live { region.write(position, at: Layout.exportedOffset) }
  }

  /// Ring position behind the span that left the queue last.
  private var lastRemovedEnd: UInt64 = 0
}
