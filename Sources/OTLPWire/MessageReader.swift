#if !hasFeature(Embedded)
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

    private var rest: UnsafeRawBufferPointer
    package private(set) var isMalformed = false

    /// - Parameter bytes: borrowed for as long as the reader and what it returns are used.
    package init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

    package mutating func next() -> (field: UInt64, value: Value)? {
      guard !rest.isEmpty, !isMalformed else { return nil }
      // Field numbers end at 2^29 - 1 and start at 1.
      guard let key = varint(), key >> 3 != 0, key >> 3 < 1 << 29 else { return broken() }
      switch key & 7 {
      case 0:
        guard let value = varint() else { return broken() }
        return (key >> 3, .varint(value))
      case 1:
        guard let bytes = take(8) else { return broken() }
        return (key >> 3, .fixed64(UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))))
      case 2:
        guard let length = varint(), length <= UInt64(rest.count), let bytes = take(Int(length)) else { return broken() }
        return (key >> 3, .bytes(bytes))
      case 5:
        guard let bytes = take(4) else { return broken() }
        return (key >> 3, .fixed32(UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self))))
      default:  // Groups are not used by OTLP.
        return broken()
      }
    }

    private mutating func broken() -> (field: UInt64, value: Value)? {
      isMalformed = true
      return nil
    }

    private mutating func take(_ count: Int) -> UnsafeRawBufferPointer? {
      guard count <= rest.count else { return nil }
      defer { rest = UnsafeRawBufferPointer(rebasing: rest[count...]) }
      return UnsafeRawBufferPointer(rebasing: rest[..<count])
    }

    private mutating func varint() -> UInt64? {
      var value: UInt64 = 0
      var index = 0
      while index < rest.count, index < 10 {
        let byte = rest[index]
        value |= UInt64(byte & 0x7f) << UInt64(7 * index)
        index += 1
        if byte < 0x80 {
          if index == 10, byte > 1 { return nil }
          rest = UnsafeRawBufferPointer(rebasing: rest[index...])
          return value
        }
      }
      return nil
    }
  }
#endif
