import COTelShims

/// Strings in protobuf must be valid UTF-8: one bad byte makes a collector refuse the whole request, and programs hand over any bytes.
/// Source: https://protobuf.dev/programming-guides/proto3/#scalar
public enum UTF8Measure {
  public struct Result {
    /// Bytes of the source to take.
    public let sourceCount: Int
    /// Bytes that they become: more, when invalid ones are replaced by U+FFFD.
    public let encodedCount: Int

    @inline(__always)
    init(sourceCount: Int, encodedCount: Int) { (self.sourceCount, self.encodedCount) = (sourceCount, encodedCount) }
  }

  /// How much of `text` to take: at most `characters` characters, at most `bytes` bytes once encoded, no character cut.
  @inline(__always)
  public static func measure(_ text: Text, characters: UInt32, bytes: Int) -> Result {
    let most = Int(truncatingIfNeeded: characters)
    let count = text.count < bytes ? text.count : bytes
    guard isASCII(Text(text.start, count: count)) else { return measureSlowly(text, characters: most, bytes: bytes) }
    let taken = count < most ? count : most
    return Result(sourceCount: taken, encodedCount: taken)
  }

  @usableFromInline @inline(__always)
  static var highBits: UInt64 { 0x8080_8080_8080_8080 }

  /// Eight bytes at a time, the last eight overlapping what was seen; shorter texts as two overlapping halves.
  @inlinable @inline(__always)
  public static func isASCII(_ text: Text) -> Bool {
    let count = text.count
    let raw = UnsafeRawPointer(text.start)
    if count >= 8 {
      var seen = (raw + (count &- 8)).loadUnaligned(as: UInt64.self)
      var index = 0
      while index < count &- 8 {
        seen |= (raw + index).loadUnaligned(as: UInt64.self)
        index &+= 8
      }
      return seen & highBits == 0
    }
    if count >= 4 {
      let both = raw.loadUnaligned(as: UInt32.self) | (raw + (count &- 4)).loadUnaligned(as: UInt32.self)
      return UInt64(both) & highBits == 0
    }
    var index = 0
    while index < count {
      if text.start[index] >= 0x80 { return false }
      index &+= 1
    }
    return true
  }

  @inline(never)
  static func measureSlowly(_ text: Text, characters: Int, bytes: Int) -> Result {
    var index = 0
    var encoded = 0
    var taken = 0
    while index < text.count, taken < characters {
      let length = sequenceLength(text, index)
      let size = length == 0 ? 3 : length
      guard encoded &+ size <= bytes else { break }
      encoded &+= size
      index &+= length == 0 ? 1 : length
      taken &+= 1
    }
    return Result(sourceCount: index, encodedCount: encoded)
  }

  /// Whether all of `text` is well-formed: no surrogates, no overlong forms. Most texts are ASCII, and seen to be at once.
  @inlinable @inline(__always)
  public static func isWellFormed(_ text: Text) -> Bool { isASCII(text) || isWellFormedThroughout(text) }

  /// Eight bytes a step while they are ASCII.
  @usableFromInline @inline(never)
  static func isWellFormedThroughout(_ text: Text) -> Bool {
    let raw = UnsafeRawPointer(text.start)
    var index = 0
    while index < text.count {
      if text.count &- index >= 8, (raw + index).loadUnaligned(as: UInt64.self) & highBits == 0 {
        index &+= 8
        continue
      }
      let length = sequenceLength(text, index)
      guard length != 0 else { return false }
      index &+= length
    }
    return true
  }

  /// Bytes of the well-formed sequence at `index` (Unicode 15, table 3-7); 0 when there is none.
  public static func sequenceLength(_ text: Text, _ index: Int) -> Int {
    let first = text[index]
    if first < 0x80 { return 1 }
    let second = text[index &+ 1]
    if first >= 0xc2, first <= 0xdf { return second & 0xc0 == 0x80 ? 2 : 0 }
    let third = text[index &+ 2]
    if first & 0xf0 == 0xe0 {
      let least: UInt8 = first == 0xe0 ? 0xa0 : 0x80
      let most: UInt8 = first == 0xed ? 0x9f : 0xbf
      return second >= least && second <= most && third & 0xc0 == 0x80 ? 3 : 0
    }
    guard first >= 0xf0, first <= 0xf4 else { return 0 }
    let least: UInt8 = first == 0xf0 ? 0x90 : 0x80
    let most: UInt8 = first == 0xf4 ? 0x8f : 0xbf
    return second >= least && second <= most && third & 0xc0 == 0x80 && text[index &+ 3] & 0xc0 == 0x80 ? 4 : 0
  }

  /// Copies `text` with every invalid byte replaced by U+FFFD; returns the end.
  @inline(never)
  public static func repair(_ text: Text, to target: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
    var next = target
    var index = 0
    while index < text.count {
      let length = sequenceLength(text, index)
      if length == 0 {
        next.storeBytes(of: 0xef, as: UInt8.self)
        (next + 1).storeBytes(of: 0xbf, as: UInt8.self)
        (next + 2).storeBytes(of: 0xbd, as: UInt8.self)
        next += 3
        index &+= 1
      } else {
        memcpy(next, text.start + index, length)
        next += length
        index &+= length
      }
    }
    return next
  }
}
