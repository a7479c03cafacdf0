import COTelShims
public import OTelPrimitives

/// The writing end of the ring of records: many writers, no waiting.
///
/// Invariants
/// - `exported <= read <= tail <= read + capacity`; all grow for ever, an offset is `position & (capacity - 1)`.
/// - A writer owns what it reserved by moving `tail`. It stores a stamped header `reserved`, copies, and release-stores `committed`.
/// - What was read may be overwritten, whether it was exported or not; what was not read never is.
/// - Records are 8-byte aligned and do not wrap; a `padding` record fills the end of a lap.
///
/// Any thread; async-signal-safe. A writer that never comes back leaves a record unfinished: `RecordWalker` says what then.
public struct RecordRing {
  public let region: UnsafeMutableRawPointer

  @inlinable @inline(__always)
  public init(region: UnsafeMutableRawPointer) { self.region = region }

  @inline(__always) public var tail: SharedWord { SharedWord(region + Layout.tailOffset) }
  @inline(__always) var limit: SharedWord { SharedWord(region + Layout.limitOffset) }
  @inline(__always) public var secret: UInt64 { (region + Layout.secretOffset).load(as: UInt64.self) }
  @inline(__always) public var bytes: UnsafeMutableRawPointer { region + Layout.ringOffset }

  @inline(__always) static var capacity: UInt64 { UInt64(truncatingIfNeeded: Layout.ringSize) }
  /// Offset of `position` in its lap. A multiple of 8, whatever `tail` holds: who else has the region could write anything there, and
  /// the last header of a lap must not reach over the end of the mapping.
  @inline(__always) static func offset(_ position: UInt64) -> UInt64 { position & (capacity &- 8) }
  @inline(__always) func at(_ position: UInt64) -> UnsafeMutableRawPointer { bytes + Int(truncatingIfNeeded: Self.offset(position)) }

  /// Copies `length` bytes in as one record. False, and counted, when there is no room.
  /// - Parameter length: at most `Layout.recordCapacity`.
  @inline(__always)
  public func append(_ source: UnsafeRawPointer, length: Int, tag: RecordTag) -> Bool {
    let length = UInt64(truncatingIfNeeded: length)
    guard length <= UInt64(truncatingIfNeeded: Layout.recordCapacity), !isFaulty("fault: ring has room") else {
      HostRegion(region: region).count(.ringFull)
      return false
    }
    let needed = RecordHeader.footprint(length)
    var position = tail.load()
    var padded: UInt64 = 0
    while true {
      let room = Self.capacity &- Self.offset(position)
      padded = needed <= room ? 0 : room
      let end = position &+ padded &+ needed
      if end &- limit.loadAcquiring() > Self.capacity {
        guard refreshLimit(), end &- limit.loadAcquiring() <= Self.capacity else {
          // Another thread may have taken this place meanwhile, and the relay read beyond it: that is no full ring.
          let current = tail.load()
          if current != position {
            position = current
            continue
          }
          HostRegion(region: region).count(.ringFull)
          return false
        }
      }
      guard let found = tail.replace(position, with: end) else { break }
      position = found
    }
    let secret = secret
    if padded != 0 {
      let padding = RecordHeader(position: position, secret: secret, tag: RecordTag(rawValue: 0), length: padded &- 8)
      SharedWord(at(position)).storeReleasing(padding.word | RecordHeader.State.padding)
      position = position &+ padded
    }
    let record = at(position)
    let header = RecordHeader(position: position, secret: secret, tag: tag, length: length)
    SharedWord(record).store(header.word | RecordHeader.State.reserved)
    memcpy(record + 8, source, Int(truncatingIfNeeded: length))
    SharedWord(record).storeReleasing(header.word | RecordHeader.State.committed)
    return true
  }

  /// Takes over how far the relay has read. Writers look at its words only here, so that the line stays theirs.
  @inline(never)
  func refreshLimit() -> Bool {
    guard let read = HostRegion(region: region).read else { return false }
    var known = limit.load()
    guard read &- known <= Self.capacity, tail.load() &- read <= Self.capacity else { return false }
    while read > known {
      guard let found = limit.replace(known, with: read) else { return true }
      known = found
    }
    return true
  }
}
