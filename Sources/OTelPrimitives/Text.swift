public import COTelShims

/// Bytes that somebody else owns: a value from the environment, a URL from a program, a literal.
///
/// The in-host code has no `String`: it would allocate. A `Text` is two words, copies nothing and is valid for as long as the memory
/// it points to; whoever keeps one longer than a call says who keeps the memory.
public struct Text {
  public let start: UnsafePointer<UInt8>
  public let count: Int

  @inlinable @inline(__always)
  public init(_ start: UnsafePointer<UInt8>, count: Int) {
    self.start = start
    self.count = count
  }

  /// A literal. The accessors of `StaticString` trap on what no literal of ours is (a single scalar, a null pointer), which shows
  /// wherever the compiler does not see which literal it has. Its three words are `@frozen`: address, count, flags.
  @inlinable @inline(__always)
  public init(_ literal: StaticString) {
    let (address, count, flags) = unsafeBitCast(literal, to: (UInt, Int, UInt8).self)
    let isPointer = flags & 1 == 0
    start = UnsafePointer(bitPattern: isPointer ? address : 1).unsafelyUnwrapped
    self.count = isPointer ? count : 0
  }

  /// The bytes of a buffer, which need not have an address when it is empty.
  public init(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress else {
      self.init("")
      return
    }
    self.init(start.assumingMemoryBound(to: UInt8.self), count: bytes.count)
  }

  /// How far C strings of others are looked at. A `Text` of that length may be the beginning of a longer one.
  @inlinable @inline(__always)
  public static var cStringLimit: Int { 1 << 16 }

  /// A NUL-terminated C string, looked at up to `limit` bytes.
  @inlinable @inline(__always)
  public init(cString: UnsafePointer<CChar>, limit: Int = cStringLimit) {
    start = UnsafeRawPointer(cString).assumingMemoryBound(to: UInt8.self)
    count = strnlen(cString, limit)
  }

  @inlinable @inline(__always)
  public var isEmpty: Bool { count == 0 }

  /// The byte at `index`; 0 outside of the text.
  @inlinable @inline(__always)
  public subscript(_ index: Int) -> UInt8 { index >= 0 && index < count ? start[index] : 0 }

  /// The part `[from, to)`, clamped to the text.
  @inlinable @inline(__always)
  public func slice(_ from: Int, _ to: Int) -> Text {
    let last = to < 0 ? 0 : (to > count ? count : to)
    let first = from < 0 ? 0 : (from > last ? last : from)
    return Text(start + first, count: last &- first)
  }

  @inlinable @inline(__always)
  public func from(_ index: Int) -> Text { slice(index, count) }

  @inlinable @inline(__always)
  public func equals(_ other: Text) -> Bool { count == other.count && memcmp(start, other.start, count) == 0 }

  @inlinable @inline(__always)
  public func equals(_ literal: StaticString) -> Bool { equals(Text(literal)) }

  @inlinable @inline(__always)
  public func hasPrefix(_ other: Text) -> Bool { count >= other.count && memcmp(start, other.start, other.count) == 0 }

  @inlinable @inline(__always)
  public func hasPrefix(_ literal: StaticString) -> Bool { hasPrefix(Text(literal)) }

  /// Equality that ignores the case of ASCII letters. Not of the locale.
  public func equalsIgnoringCase(_ other: Text) -> Bool {
    guard count == other.count else { return false }
    var index = 0
    while index < count {
      guard Text.lowercased(start[index]) == Text.lowercased(other.start[index]) else { return false }
      index &+= 1
    }
    return true
  }

  @inlinable @inline(__always)
  public func equalsIgnoringCase(_ literal: StaticString) -> Bool { equalsIgnoringCase(Text(literal)) }

  @inlinable @inline(__always)
  public static func lowercased(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

  /// Index of the first `byte` at or after `from`.
  @inlinable @inline(__always)
  public func firstIndex(of byte: UInt8, from: Int = 0) -> Int? {
    var index = from < 0 ? 0 : from
    while index < count {
      if start[index] == byte { return index }
      index &+= 1
    }
    return nil
  }

  /// What is behind the last slash: of a path, the name of the file.
  public var fileName: Text {
    var start = count
    while start > 0, self[start &- 1] != 0x2f { start &-= 1 }
    return from(start)
  }

  /// Whether the bytes of `part` are somewhere in it. Complexity: the product of both lengths.
  public func contains(_ part: Text) -> Bool {
    var index = 0
    while index &+ part.count <= count {
      if memcmp(start + index, part.start, part.count) == 0 { return true }
      index &+= 1
    }
    return false
  }

  @inlinable @inline(__always)
  public func contains(_ literal: StaticString) -> Bool { contains(Text(literal)) }

  /// Without spaces and tabs at both ends (the OWS of RFC 9110).
  public var trimmed: Text {
    var first = 0
    var last = count
    while first < last, start[first] == 0x20 || start[first] == 0x09 { first &+= 1 }
    while last > first, start[last &- 1] == 0x20 || start[last &- 1] == 0x09 { last &-= 1 }
    return slice(first, last)
  }
}
