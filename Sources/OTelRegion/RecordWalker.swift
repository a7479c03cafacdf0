import OTelPrimitives
import COTelShims

/// Steps through records, trusting nothing: every length is bounded, every header must carry the stamp of its position.
///
/// It walks either the mapped ring (in the host, when what was not exported moves to a new region) or a private copy of a part of it
/// (in the relay, which never maps a region). Complexity: a step is constant, but for holes: 8 bytes a step.
public struct RecordWalker {
  public enum Step: Equatable {
    /// A committed record: `payload` is valid as long as the walked memory.
    case record(payload: UnsafeRawPointer, length: Int, tag: RecordTag)
    /// Padding at the end of the ring.
    case padding
    /// A record whose writer reserved it and has not committed it. `step()` does not go past it; `skip()` does.
    case unfinished
    /// At `end`.
    case end
  }

  let base: UnsafeRawPointer
  let origin: UInt64
  let mask: UInt64
  let secret: UInt64
  /// Position of the next record.
  public private(set) var position: UInt64
  public let end: UInt64

  /// Over the mapped ring itself.
  public init(ring: UnsafeRawPointer, secret: UInt64, from: UInt64, to: UInt64) {
    (base, origin, mask, self.secret) = (ring, 0, UInt64(truncatingIfNeeded: Layout.ringSize) &- 1, secret)
    (position, end) = (from, to)
  }

  /// Over a copy whose first byte is at position `from`; it holds all of `[from, to)`.
  public init(copy: UnsafeRawPointer, secret: UInt64, from: UInt64, to: UInt64) {
    (base, origin, mask, self.secret) = (copy, from, ~0, secret)
    (position, end) = (from, to)
  }

  func header(at position: UInt64) -> RecordHeader {
    let address = base + Int(truncatingIfNeeded: (position &- origin) & mask)
    return RecordHeader(word: SharedWord(UnsafeMutableRawPointer(mutating: address)).loadAcquiring())
  }

  /// The header at `position` if it is one: stamped, and inside both the walked part and the rest of the ring's lap.
  private func validHeader(at position: UInt64) -> RecordHeader? {
    // Nothing is read across `end`: a copy has no more. Records are aligned, and the ring's size is a multiple of that.
    guard position < end, end &- position >= 8, position & 7 == 0 else { return nil }
    let header = header(at: position)
    guard header.isStamped(position: position, secret: secret) else { return nil }
    let lap = UInt64(truncatingIfNeeded: Layout.ringSize) &- (position & (UInt64(truncatingIfNeeded: Layout.ringSize) &- 1))
    guard header.footprint <= lap, header.footprint <= end &- position else { return nil }
    if header.state == RecordHeader.State.padding, header.footprint != lap { return nil }
    if header.state != RecordHeader.State.padding, header.length > UInt64(truncatingIfNeeded: Layout.recordCapacity) { return nil }
    return header
  }

  /// Takes one step.
  public mutating func step() -> Step {
    guard position < end else { return .end }
    guard let header = validHeader(at: position) else { return .unfinished }
    switch header.state {
    case RecordHeader.State.committed:
      let payload = base + Int(truncatingIfNeeded: (position &- origin) & mask) + 8
      position = position &+ header.footprint
      return .record(payload: payload, length: Int(truncatingIfNeeded: header.length), tag: header.tag)
    case RecordHeader.State.padding:
      position = position &+ header.footprint
      return .padding
    default:
      return .unfinished
    }
  }

  /// Goes on behind a record that will never be finished: by its length when the writer still wrote it, else to the next header.
  public mutating func skip() {
    guard position < end else { return }
    if let header = validHeader(at: position) {
      position = position &+ header.footprint
      return
    }
    position = end &- position > 8 ? position &+ 8 : end
    synchronize()
  }

  /// Goes to the first header at or behind the position, which may lie anywhere within a record.
  public mutating func synchronize() {
    while position < end, validHeader(at: position) == nil { position = end &- position > 8 ? position &+ 8 : end }
  }
}
