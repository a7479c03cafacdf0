import OTelPrimitives
import OTelRegion

/// Reads what regions hold: looks at their words, hands committed records to their consumers, and notices what happened to their processes.
///
/// Nothing a region says is believed: positions are checked against the ring's size, records against their stamps, spans against
/// the protobuf schema. One thread; one reader serves all regions, so that there is one buffer.
package final class RegionReader {
  /// Bytes copied from the ring at once. At least two records of the longest kind, so that a record cut at its end begins the next copy.
  static let window = 256 << 10
  /// How long the oldest record may stay unfinished while its process lives and records on.
  static let patience: UInt64 = 2_000_000_000
  package static let shortestPause: UInt64 = 5_000_000
  static let longestPause: UInt64 = 200_000_000

  private let buffer: UnsafeMutableRawBufferPointer
  private let closer = CrashCloser()

  package init() { buffer = .allocate(byteCount: Self.window, alignment: 8) }
  deinit { buffer.deallocate() }

  /// Tells a new region's process that a relay serves it.
  package func attach(_ attached: AttachedRegion, now: UInt64) {
    attached.region.write(RelayState.attached, at: Layout.relayStateOffset)
    attached.region.write(now, at: Layout.heartbeatOffset)
    attached.lastHeartbeat = now
  }

  /// Looks at the region once.
  /// - Parameters:
  ///   - consumer: gets what is read; always the same one for a region.
  ///   - mayQueue: false when the consumer's memory is used up: words are looked at, records stay where they are.
  package func scan(_ attached: AttachedRegion, into consumer: any SpanConsumer, now: UInt64, mayQueue: Bool) {
    if attached.phase == .live {
      // In this order: whatever is committed before the end is seen by the read behind it.
      let hasEnded = attached.region.isAbandoned()
      look(attached, consumer)
      if hasEnded, attached.phase == .live {
        attached.phase = .ended
        attached.endedAt = now
      }
      if !hasEnded { beat(attached, now) }
    }
    let before = attached.readPosition
    if attached.phase != .discarded, mayQueue { read(attached, consumer, now: now) }
    if attached.phase == .ended, attached.readPosition == attached.tail, !attached.hasClosedSlots, mayQueue, consumer.room > 0 {
      attached.hasClosedSlots = true
      closer.closeOpenSpans(of: attached, into: consumer, now: now)
    }
    if attached.readPosition != before { attached.lastMoved = now }
    if attached.phase == .ended, attached.isFinished {
      attached.region.release()
      attached.nextScan = .max
    } else {
      attached.nextScan = Self.nextScan(now: now, lastMoved: attached.lastMoved)
    }
  }

  /// Whether a region has something that is not exported and that its process has not taken elsewhere, as its words say now.
  package func holdsUnexported(_ attached: AttachedRegion) -> Bool {
    var drops = attached.hostDrops
    guard attached.phase == .live, let header = attached.region.look(updating: &drops) else { return false }
    return !header.isSuperseded && header.tail != attached.exportedPosition
  }

  /// An eighth of the time since something moved, within bounds. Regions are looked at together, at multiples of a quantum: thousands of
  /// idle ones must not wake the relay thousands of times a second.
  static func nextScan(now: UInt64, lastMoved: UInt64) -> UInt64 {
    let pause = min(max((now - lastMoved) / 8, shortestPause), longestPause)
    let quantum = pause >= longestPause / 2 ? longestPause / 4 : shortestPause
    return (now + pause) / quantum * quantum
  }

  /// Gives up all that is left of an ended process, and counts it.
  package func abandon(_ attached: AttachedRegion, of consumer: any SpanConsumer) {
    var lost = consumer.discardWaiting()
    while attached.readPosition < attached.tail {
      let from = attached.readPosition
      let end = min(attached.tail, from + UInt64(buffer.count))
      guard attached.region.readRing(from: from, to: end, into: buffer) else { break }
      var walker = RecordWalker(copy: UnsafeRawPointer(buffer.baseAddress!), secret: attached.region.secret, from: from, to: end)
      scan: while true {
        switch walker.step() {
        case .record:
          lost += 1
          attached.recorded += 1
        case .padding: break
        case .unfinished where end == attached.tail || walker.position == from: walker.skip()
        case .unfinished, .end: break scan
        }
      }
      attached.readPosition = walker.position
    }
    attached.drops[.undeliverable] += lost
    attached.phase = .discarded
  }

  /// Takes over the host's words.
  private func look(_ attached: AttachedRegion, _ consumer: any SpanConsumer) {
    guard let header = plausibleHeader(attached) else { return giveUp(attached, consumer) }
    if header.isSuperseded {
      // All that is not exported has been copied into the process's newer region: here it would be sent twice.
      // So have its counters.
      attached.phase = .discarded
      attached.hostDrops = [UInt64](repeating: 0, count: DropReason.count)
      attached.recorded -= consumer.discardWaiting()
      return
    }
    attached.tail = header.tail
  }

  /// Words that make sense. pread(2) promises nothing about a word that changes while it is copied (some processors copy by bytes), so
  /// nonsense is looked at again before it ends a region.
  private func plausibleHeader(_ attached: AttachedRegion) -> (tail: UInt64, isSuperseded: Bool)? {
    for _ in 0..<3 {
      guard let header = attached.region.look(updating: &attached.hostDrops) else { return nil }
      if header.isSuperseded { return header }
      if header.tail >= attached.tail, header.tail - attached.readPosition <= UInt64(Layout.ringSize), header.tail % 8 == 0 { return header }
    }
    return nil
  }

  private func giveUp(_ attached: AttachedRegion, _ consumer: any SpanConsumer) {
    attached.phase = .discarded
    attached.drops[.corruptRegion] += 1 + consumer.discardWaiting()
  }

  private func beat(_ attached: AttachedRegion, _ now: UInt64) {
    guard attached.phase == .live, now - attached.lastHeartbeat >= 1_000_000_000 else { return }
    attached.lastHeartbeat = now
    attached.region.write(now, at: Layout.heartbeatOffset)
  }

  /// Reads records until none is left, the first is unfinished, or the consumer has no room.
  private func read(_ attached: AttachedRegion, _ consumer: any SpanConsumer, now: UInt64) {
    let start = attached.readPosition
    while attached.readPosition < attached.tail, consumer.room > 0 {
      let before = attached.readPosition
      guard readWindow(attached, consumer, now: now) else {
        giveUp(attached, consumer)
        break
      }
      if attached.readPosition == before { break }
    }
    if attached.readPosition != start {
      attached.stuckSince = nil
      if attached.phase == .live { attached.region.write(attached.readPosition, at: Layout.readOffset) }
      consumer.hasRead(attached)
    } else if attached.phase == .live, attached.readPosition < attached.tail, consumer.room > 0 {
      let since = attached.stuckSince ?? now
      attached.stuckSince = since
      if now - since > Self.patience, !attached.hasAskedForRenewal {
        attached.hasAskedForRenewal = true
        attached.region.write(RelayState.renew, at: Layout.relayStateOffset)
      }
    }
  }

  /// Reads as many records as a window holds. False when the region cannot be read.
  private func readWindow(_ attached: AttachedRegion, _ consumer: any SpanConsumer, now: UInt64) -> Bool {
    let from = attached.readPosition
    var end = min(attached.tail, from + UInt64(buffer.count))
    let isWhole = end == attached.tail
    guard attached.region.readRing(from: from, to: end, into: buffer) else { return false }
    if attached.phase == .live {
      // A header may be seen committed although its payload was copied a moment before it was complete. What was seen
      // committed is complete in a copy made afterwards.
      end = committedEnd(attached, consumer, from: from, to: end)
      guard end > from, attached.region.readRing(from: from, to: end, into: buffer) else { return end == from }
    }
    var walker = RecordWalker(copy: UnsafeRawPointer(buffer.baseAddress!), secret: attached.region.secret, from: from, to: end)
    while consumer.room > 0 {
      switch walker.step() {
      case .record(let payload, let length, let tag):
        take(UnsafeRawBufferPointer(start: payload, count: length), tag, ringEnd: walker.position, attached, consumer, now)
      case .padding: break
      case .end:
        attached.readPosition = walker.position
        return true
      case .unfinished:
        // In an ended process's region nobody will finish it; unless it only goes on behind this window.
        guard attached.phase == .ended, isWhole || walker.position == from else {
          attached.readPosition = walker.position
          return true
        }
        walker.skip()
        attached.drops[.unfinished] += 1
        attached.recorded += 1
      }
    }
    attached.readPosition = walker.position
    return true
  }

  /// Behind the last record of an unbroken row of committed ones.
  private func committedEnd(_ attached: AttachedRegion, _ consumer: any SpanConsumer, from: UInt64, to: UInt64) -> UInt64 {
    var walker = RecordWalker(copy: UnsafeRawPointer(buffer.baseAddress!), secret: attached.region.secret, from: from, to: to)
    var room = consumer.room
    while room > 0 {
      switch walker.step() {
      case .record: room -= 1
      case .padding: break
      case .unfinished, .end: return walker.position
      }
    }
    return walker.position
  }

  private func take(_ payload: UnsafeRawBufferPointer, _ tag: RecordTag, ringEnd: UInt64, _ attached: AttachedRegion, _ consumer: any SpanConsumer, _ now: UInt64) {
    guard tag.signal == .traces, tag.scope != nil, let span = SpanValidator.summary(of: payload) else {
      attached.recorded += 1
      attached.drops[.malformed] += 1
      return
    }
    attached.take(payload, tag: tag, spanID: span.spanID, ringEnd: ringEnd, into: consumer, now: now)
  }
}
