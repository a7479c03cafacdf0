/// A protobuf varint among bytes that nobody vouches for.
///
/// Source: https://protobuf.dev/programming-guides/encoding/#varints. Never reads outside of its bytes; allocates never.
public enum Varint {
  /// Reads the one at `cursor`, and goes behind it. Nil: it does not end before `end`, or is of more than 64 bits; `cursor` stays.
  ///
  /// Most keys and lengths are one byte.
  @inlinable @inline(__always)
  public static func read(_ cursor: inout UnsafeRawPointer, _ end: UnsafeRawPointer) -> UInt64? {
    guard cursor < end else { return nil }
    let first = cursor.load(as: UInt8.self)
    guard first >= 0x80 else {
      cursor += 1
      return UInt64(first)
    }
    return readLong(&cursor, end)
  }

  @usableFromInline @inline(never)
  static func readLong(_ cursor: inout UnsafeRawPointer, _ end: UnsafeRawPointer) -> UInt64? {
    let left = end - cursor
    var value: UInt64 = 0
    var index = 0
    while index < left, index < 10 {
      let byte = cursor.load(fromByteOffset: index, as: UInt8.self)
      value |= UInt64(byte & 0x7f) &<< UInt64(truncatingIfNeeded: 7 &* index)
      index &+= 1
      if byte < 0x80 {
        if index == 10, byte > 1 { return nil }
        cursor += index
        return value
      }
    }
    return nil
  }
}
