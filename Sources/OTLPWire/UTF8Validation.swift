#if !hasFeature(Embedded)
  /// Whether `bytes` are well-formed UTF-8 (Unicode 15, table 3-7: no surrogates, no overlong forms). protobuf demands it of every
  /// string, and one bad byte makes a collector refuse the whole request.
  ///
  /// Complexity: linear; eight bytes a step while they are ASCII. Any thread; allocates never.
  package func isValidUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let base = bytes.baseAddress else { return true }
    let count = bytes.count
    var index = 0
    while index < count {
      if index &+ 8 <= count, base.loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 == 0 {
        index &+= 8
        continue
      }
      let first = base.load(fromByteOffset: index, as: UInt8.self)
      if first < 0x80 {
        index &+= 1
        continue
      }
      let length = first &- 0xc2 < 0x1e ? 2 : (first & 0xf0 == 0xe0 ? 3 : (first &- 0xf0 < 5 ? 4 : 0))
      guard length != 0, index &+ length <= count else { return false }
      let second = base.load(fromByteOffset: index &+ 1, as: UInt8.self)
      switch first {
      case 0xe0: guard second & 0xe0 == 0xa0 else { return false }
      case 0xed: guard second & 0xe0 == 0x80 else { return false }
      case 0xf0: guard second &- 0x90 < 0x30 else { return false }
      case 0xf4: guard second & 0xf0 == 0x80 else { return false }
      default: guard second & 0xc0 == 0x80 else { return false }
      }
      var next = 2
      while next < length {
        guard base.load(fromByteOffset: index &+ next, as: UInt8.self) & 0xc0 == 0x80 else { return false }
        next &+= 1
      }
      index &+= length
    }
    return true
  }
#endif
