import OTelRegion

/// A region that is read: its memfd, its process's identity, and how far it was read and exported.
///
/// One thread. `RegionReader` moves it forward.
package final class AttachedRegion {
  package enum Phase: Equatable {
    /// Some process maps it.
    case live
    /// No process maps it any more; what is in it is final.
    case ended
    /// Nothing is to be had from it any more: a newer region took over, or its indices made no sense.
    case discarded
  }

  package let region: Region
  package let identity: ProcessIdentity
  /// Who handed it over.
  package let peerUserID: UInt32

  package internal(set) var phase = Phase.live
  /// Position up to which records were read; the value of the region's `read` word.
  package internal(set) var readPosition: UInt64 = 0
  /// `tail` as last seen.
  package internal(set) var tail: UInt64 = 0
  package private(set) var exportedPosition: UInt64 = 0
  /// Spans of open slots were closed; happens once.
  var hasClosedSlots = false
  /// A fresh region was asked for.
  var hasAskedForRenewal = false
  /// When the record at `readPosition` was first seen unfinished, while later ones are there.
  var stuckSince: UInt64?

  // Scanning, in monotonic nanoseconds.
  var lastMoved: UInt64
  package var nextScan: UInt64 = 0
  var lastHeartbeat: UInt64 = 0
  package internal(set) var endedAt: UInt64 = 0
  /// What ended its process, as an `error.type` of the spans in flight: for a receiver that knows (`WatchedChild`), to be set before the scan
  /// that sees the end.
  package var endingErrorType = "process_ended"

  /// When it was first seen without a process, and how that ended was not known yet.
  var abandonedAt: UInt64?

  // Counts
  package var recorded = 0
  package var drops = DropCounts()
  /// What the host dropped, by `DropReason.rawValue`, as last seen.
  package internal(set) var hostDrops = [UInt64](repeating: 0, count: DropReason.count)
  /// The last span ids read: a span whose process ended between committing it and freeing its slot is not closed a second time.
  private var recentSpanIDs = [UInt64](repeating: 0, count: 64)
  private var recentCursor = 0

  package init(_ region: Region, identity: ProcessIdentity, peerUserID: UInt32, now: UInt64) {
    self.region = region
    self.identity = identity
    self.peerUserID = peerUserID
    lastMoved = now
  }

  /// Nothing more will come of it.
  package var isFinished: Bool {
    switch phase {
    case .live: false
    case .ended: readPosition == tail && hasClosedSlots
    case .discarded: true
    }
  }

  func take(_ span: UnsafeRawBufferPointer, tag: RecordTag, spanID: UInt64, ringEnd: UInt64, into consumer: any SpanConsumer, now: UInt64) {
    consumer.consume(span, tag: tag, ringEnd: ringEnd, now: now)
    recentSpanIDs[recentCursor & 63] = spanID
    recentCursor &+= 1
    recorded += 1
  }

  func hasRecentlyRead(spanID: UInt64) -> Bool { recentSpanIDs.contains(spanID) }

  /// All before `position` is exported, and its process need not keep it.
  package func advanceExported(to position: UInt64) {
    guard position > exportedPosition else { return }
    exportedPosition = position
    if phase == .live { region.write(position, at: Layout.exportedOffset) }
  }
}
