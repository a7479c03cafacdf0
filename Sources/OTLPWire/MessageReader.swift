/// Steps through the fields of a protobuf message that nobody vouches for: a collector's answer, bytes from a region.
///
/// Never reads outside of its bytes and never allocates. After `next()` gave nil, `isMalformed` says whether the message ended or broke.
package struct MessageReader {
  package enum Value {
    case varint(UInt64)
    case fixed64(UInt64)
    case bytes(UnsafeRawBufferPointer)
    case fixed32(UInt32)
  }

  private var cursor: UnsafeRawPointer
  private let end: UnsafeRawPointer
  package private(set) var isMalformed = false

  /// - Parameter bytes: borrowed for as long as the reader and what it returns are used.
  @inline(__always)
  package init(_ bytes: UnsafeRawBufferPointer) {
    // An empty buffer may have no address; then nothing is read from this one either.
    cursor = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1).unsafelyUnwrapped
    end = cursor + bytes.count
  }

  private var left: Int { end - cursor }

  package mutating func next() -> (field: UInt64, value: Value)? {
    guard left > 0, !isMalformed else { return nil }
    // Field numbers end at 2^29 - 1 and start at 1.
    guard let key = Varint.read(&cursor, end), key &>> 3 != 0, key &>> 3 < 1 &<< 29 else { return broken() }
    switch key & 7 {
    case 0:
      guard let value = Varint.read(&cursor, end) else { return broken() }
      return (key &>> 3, .varint(value))
    case 1:
      guard left >= 8 else { return broken() }
      defer { cursor += 8 }
      return (key &>> 3, .fixed64(UInt64(littleEndian: cursor.loadUnaligned(as: UInt64.self))))
    case 2:
      guard let length = Varint.read(&cursor, end), length <= UInt64(truncatingIfNeeded: left) else { return broken() }
      let count = Int(truncatingIfNeeded: length)
      defer { cursor += count }
      return (key &>> 3, .bytes(UnsafeRawBufferPointer(start: cursor, count: count)))
    case 5:
      guard left >= 4 else { return broken() }
      defer { cursor += 4 }
      return (key &>> 3, .fixed32(UInt32(littleEndian: cursor.loadUnaligned(as: UInt32.self))))
    default:  // Groups are not used by OTLP.
      return broken()
    }
  }

  private mutating func broken() -> (field: UInt64, value: Value)? {
    isMalformed = true
    return nil
  }
}
