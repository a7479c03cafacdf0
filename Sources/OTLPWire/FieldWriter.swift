public import COTelShims
public import OTelPrimitives

/// Appends protobuf fields to a buffer that somebody else owns. The caller has made sure of the room; the writer never looks.
///
/// Source: https://protobuf.dev/programming-guides/encoding. Async-signal-safe; allocates never.
public struct FieldWriter {
  public var next: UnsafeMutableRawPointer

  @inlinable @inline(__always)
  public init(_ start: UnsafeMutableRawPointer) { next = start }

  @inlinable @inline(__always)
  public mutating func byte(_ value: UInt8) {
    next.storeBytes(of: value, as: UInt8.self)
    next += 1
  }

  /// A tag and a length, or a tag and a small value, in one store.
  @inlinable @inline(__always)
  public mutating func pair(_ first: UInt8, _ second: UInt8) {
    next.storeBytes(of: UInt16(first) | UInt16(second) &<< 8, as: UInt16.self)
    next += 2
  }

  /// Two tags with the one-byte lengths behind them, in one store.
  @inlinable @inline(__always)
  public mutating func quad(_ first: UInt8, _ firstLength: Int, _ second: UInt8, _ secondLength: Int) {
    let low = UInt32(first) | UInt32(truncatingIfNeeded: firstLength) &<< 8
    let high = UInt32(second) | UInt32(truncatingIfNeeded: secondLength) &<< 8
    next.storeBytes(of: low | high &<< 16, as: UInt32.self)
    next += 4
  }

  @inlinable @inline(__always)
  public mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      byte(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest = rest &>> 7
    }
    byte(UInt8(truncatingIfNeeded: rest))
  }

  @inlinable @inline(__always)
  public mutating func fixed64(_ value: UInt64) {
    next.storeBytes(of: value, as: UInt64.self)
    next += 8
  }

  @inlinable @inline(__always)
  public mutating func fixed32(_ value: UInt32) {
    next.storeBytes(of: value, as: UInt32.self)
    next += 4
  }

  @inlinable @inline(__always)
  public mutating func bytes(_ text: Text) {
    memcpy(next, text.start, text.count)
    next += text.count
  }

  /// As `bytes`, for a text that is short more often than not: a call of memcpy costs more than these few bytes. Eight to sixteen are
  /// two words that overlap; three are "GET" and "1.1".
  @inlinable @inline(__always)
  public mutating func shortBytes(_ text: Text) {
    let source = UnsafeRawPointer(text.start)
    let count = text.count
    if count >= 8, count <= 16 {
      let (first, last) = (source.loadUnaligned(as: UInt64.self), (source + (count &- 8)).loadUnaligned(as: UInt64.self))
      next.storeBytes(of: first, as: UInt64.self)
      (next + (count &- 8)).storeBytes(of: last, as: UInt64.self)
    } else if count == 3 {
      next.storeBytes(of: source.loadUnaligned(as: UInt16.self), as: UInt16.self)
      (next + 2).storeBytes(of: (source + 2).load(as: UInt8.self), as: UInt8.self)
    } else {
      memcpy(next, source, count)
    }
    next += count
  }

  /// Bytes that `value` takes as a varint.
  @inlinable @inline(__always)
  public static func varintSize(_ value: UInt64) -> Int {
    let bits = 64 &- (value | 1).leadingZeroBitCount
    return (bits &* 9 &+ 64) &>> 6
  }

  @inlinable @inline(__always)
  public static func varintSize(_ value: Int) -> Int { varintSize(UInt64(truncatingIfNeeded: value)) }
}
