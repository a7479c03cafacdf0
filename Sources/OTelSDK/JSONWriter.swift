import COTelShims
import OTelPrimitives

/// Appends JSON to memory of fixed size: ASCII alone, as Python's `json.dumps` writes it. What a terminal would take for a command, and
/// bytes that are not UTF-8, leave it as `\u` escapes.
///
/// Little is inlined: a write to a terminal costs more than all calls together, and the agent is mapped into every program.
/// Source: RFC 8259. Async-signal-safe; allocates never; never writes behind `end`.
struct JSONWriter {
  private let start: UnsafeMutablePointer<UInt8>
  private var next: UnsafeMutablePointer<UInt8>
  private let end: UnsafeMutablePointer<UInt8>
  /// The most bytes of a value that may be cut, without its quotation marks.
  private let longestValue: Int
  /// Whether something did not fit. What was written is of no use then.
  private(set) var isFull = false

  init(_ start: UnsafeMutablePointer<UInt8>, capacity: Int, longestValue: Int = .max) {
    (self.start, next, end) = (start, start, start + capacity)
    self.longestValue = longestValue
  }

  var count: Int { next - start }
  private var room: Int { end - next }

  @inline(never)
  mutating func literal(_ literal: StaticString) { raw(Text(literal)) }

  private mutating func raw(_ text: Text) {
    guard text.count <= room else { return isFull = true }
    memcpy(next, text.start, text.count)
    next += text.count
  }

  @inline(never)
  mutating func byte(_ byte: UInt8) {
    guard room > 0 else { return isFull = true }
    next.pointee = byte
    next += 1
  }

  mutating func string(_ text: Text) {
    byte(0x22)
    characters(text, capacity: .max)
    byte(0x22)
  }

  /// A string that may be cut, between two characters.
  @inline(never)
  mutating func value(_ text: Text) {
    byte(0x22)
    characters(text, capacity: longestValue)
    byte(0x22)
  }

  /// The characters of a string, escaped.
  @inline(never)
  private mutating func characters(_ text: Text, capacity: Int) {
    var index = 0
    var left = capacity
    while index < text.count, !isFull {
      let length = UTF8Measure.sequenceLength(text, index)
      let size = Self.size(text.start[index], length)
      guard size <= left else { return }
      left = left &- size
      guard size <= room else { return isFull = true }
      if size == 1 {
        byte(text.start[index])
      } else if length == 1 {
        control(text.start[index])
      } else {
        escape(Self.scalar(text, index, length))
      }
      index = index &+ (length == 0 ? 1 : length)
    }
  }

  /// One ASCII character of a string; U+FFFD for a byte that is none.
  @inline(never)
  mutating func character(_ byte: UInt8) {
    if byte >= 0x80 { return unit(0xfffd) }
    if Self.size(byte, 1) == 1 { self.byte(byte) } else { control(byte) }
  }

  /// Bytes that a character takes: `\n`, `\u001b`, a surrogate pair.
  private static func size(_ first: UInt8, _ length: Int) -> Int {
    if length == 1 {
      switch first {
      case 0x22, 0x5c, 0x08, 0x09, 0x0a, 0x0c, 0x0d: return 2
      default: return first < 0x20 ? 6 : 1
      }
    }
    return length == 4 ? 12 : 6
  }

  @inline(never)
  private mutating func control(_ byte: UInt8) {
    switch byte {
    case 0x22, 0x5c: pair(byte)
    case 0x08: pair(0x62)
    case 0x09: pair(0x74)
    case 0x0a: pair(0x6e)
    case 0x0c: pair(0x66)
    case 0x0d: pair(0x72)
    default: unit(UInt32(byte))
    }
  }

  private mutating func pair(_ letter: UInt8) {
    byte(0x5c)
    byte(letter)
  }

  /// The code point of the sequence at `index`; U+FFFD when there is none.
  private static func scalar(_ text: Text, _ index: Int, _ length: Int) -> UInt32 {
    guard length >= 2 else { return 0xfffd }
    // Of the first byte, what is left below its length: 5, 4 or 3 bits.
    var scalar = UInt32(text[index]) & (0x7f &>> UInt32(truncatingIfNeeded: length))
    var offset = 1
    while offset < length {
      scalar = scalar &<< 6 | UInt32(text[index &+ offset] & 0x3f)
      offset &+= 1
    }
    return scalar
  }

  private mutating func escape(_ scalar: UInt32) {
    guard scalar > 0xffff else { return unit(scalar) }
    let beyond = scalar &- 0x1_0000
    unit(0xd800 | beyond &>> 10)
    unit(0xdc00 | beyond & 0x3ff)
  }

  @inline(never)
  private mutating func unit(_ unit: UInt32) {
    byte(0x5c)
    byte(0x75)
    var shift: UInt32 = 16
    while shift > 0 {
      shift &-= 4
      digit(UInt8(truncatingIfNeeded: unit &>> shift & 15))
    }
  }

  @inline(never)
  private mutating func digit(_ value: UInt8) { byte(value < 10 ? 0x30 &+ value : 0x57 &+ value) }

  /// Two lower-case digits for each byte.
  mutating func hexadecimal(_ bytes: Text) {
    var index = 0
    while index < bytes.count {
      digit(bytes.start[index] &>> 4)
      digit(bytes.start[index] & 15)
      index &+= 1
    }
  }

  mutating func integer(_ value: Int64) {
    if value < 0 { byte(0x2d) }
    guard room >= 20 else { return isFull = true }
    next += Decimal.write(value.magnitude, to: next)
  }

  /// A string: "2026-11-22T15:04:05.678901Z".
  mutating func timestamp(_ unixNanoseconds: UInt64) {
    byte(0x22)
    guard room >= Timestamp.capacity else { return isFull = true }
    next += Timestamp.write(unixNanoseconds, digits: 6, to: next)
    byte(0x22)
  }
}
