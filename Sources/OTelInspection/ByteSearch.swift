@preconcurrency import Glibc

/// Finds bytes in bytes; memmem(3) is not among what Swift sees of the C library.
struct ByteSearch {
  private let haystack: UnsafeRawBufferPointer
  private let needle: [UInt8]
  private var position = 0

  /// - Parameters:
  ///   - haystack: valid as long as the search.
  ///   - needle: not empty.
  init(_ needle: [UInt8], in haystack: UnsafeRawBufferPointer) {
    self.needle = needle
    self.haystack = haystack
  }

  /// Where the next match begins; it may overlap the one before. nil: there is none left.
  mutating func next() -> Int? {
    guard let base = haystack.baseAddress else { return nil }
    while position + needle.count <= haystack.count {
      guard let match = memchr(base + position, Int32(needle[0]), haystack.count - needle.count + 1 - position) else { break }
      let offset = UnsafeRawPointer(match) - base
      position = offset + 1
      if memcmp(base + offset, needle, needle.count) == 0 { return offset }
    }
    position = haystack.count
    return nil
  }
}
