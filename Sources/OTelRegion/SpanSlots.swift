public import OTelPrimitives

/// Where spans in flight are encoded. A slot belongs to the call that claimed it until it is released.
///
/// Header (`Layout.slotHeaderSize` bytes): word 0 = mark (the span id; 0 is free), word 1 = bytes of the message that are valid (low
/// 32 bits), attributes (16), dropped attributes (16), release-stored so that the relay can close the span of a process that died;
/// word 2 = `RecordTag`. Behind it: the beginning of an OTLP `Span`.
///
/// Any thread; async-signal-safe; constant time.
public struct SpanSlots {
  public let region: UnsafeMutableRawPointer

  @inlinable @inline(__always)
  public init(region: UnsafeMutableRawPointer) { self.region = region }

  /// Claims a small slot, the one at `hint` first. Tries a few and never waits.
  @inline(__always)
  public func claim(hint: inout UInt16, mark: UInt64) -> UnsafeMutableRawPointer? {
    if isFaulty("fault: slot is free") { return nil }
    var attempt: UInt16 = 0
    while attempt < 16 {
      let index = Int(truncatingIfNeeded: hint &+ attempt) & (Layout.smallSlotCount &- 1)
      let slot = region + (Layout.smallSlotsOffset &+ index &* Layout.smallSlotSize)
      let owner = SharedWord(slot)
      if owner.load() == 0, owner.replace(0, with: mark) == nil {
        hint = hint &+ attempt
        return slot
      }
      attempt &+= 1
    }
    return nil
  }

  /// Claims a slot for a span that has outgrown its small one.
  @inline(never)
  public func claimLarge(mark: UInt64) -> UnsafeMutableRawPointer? {
    if isFaulty("fault: large slot is free") { return nil }
    var index = 0
    while index < Layout.largeSlotCount {
      let slot = region + (Layout.largeSlotsOffset &+ index &* Layout.largeSlotSize)
      let owner = SharedWord(slot)
      if owner.load() == 0, owner.replace(0, with: mark) == nil { return slot }
      index &+= 1
    }
    return nil
  }

  /// End of the slot that begins at `slot`.
  @inline(__always)
  public func end(of slot: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
    slot + (slot - region >= Layout.smallSlotsOffset ? Layout.smallSlotSize : Layout.largeSlotSize)
  }

  /// Number of a slot, from 1; small ones first.
  @inline(__always)
  public func number(of slot: UnsafeMutableRawPointer) -> Int {
    let offset = slot - region
    if offset >= Layout.smallSlotsOffset { return (offset &- Layout.smallSlotsOffset) / Layout.smallSlotSize &+ 1 }
    return (offset &- Layout.largeSlotsOffset) / Layout.largeSlotSize &+ 1 &+ Layout.smallSlotCount
  }

  public func slot(number: Int) -> UnsafeMutableRawPointer? {
    guard number > 0, number <= Layout.smallSlotCount &+ Layout.largeSlotCount else { return nil }
    if number <= Layout.smallSlotCount { return region + (Layout.smallSlotsOffset &+ (number &- 1) &* Layout.smallSlotSize) }
    return region + (Layout.largeSlotsOffset &+ (number &- 1 &- Layout.smallSlotCount) &* Layout.largeSlotSize)
  }

  /// Frees `slot` unless it has become somebody else's.
  @inline(__always)
  public static func release(_ slot: UnsafeMutableRawPointer, mark: UInt64) {
    guard SharedWord(slot).load() == mark else { return }
    SharedWord(slot + 8).store(0)
    _ = SharedWord(slot).replace(mark, with: 0)
  }
}
