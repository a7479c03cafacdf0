import OTLPWire
import OTelPrimitives

/// What a receiver needs to know of a span in protobuf form.
package struct SpanSummary: Equatable {
  package var spanID: UInt64 = 0
  package var hasTraceID = false
  package var startTimeUnixNano: UInt64 = 0
  package var endTimeUnixNano: UInt64 = 0
}

/// Checks that bytes are a `Span` message (opentelemetry/proto/trace/v1/trace.proto) that every collector can parse: well-formed, each
/// known field of its type, strings in UTF-8, ids of their length. Unknown fields pass. The bytes come from shared memory, and one
/// malformed span would make a collector refuse those of all other processes in the same request.
///
/// Half of what a relay does is this. By `MessageReader`, which hands out fields, it took three times as many instructions as by a word for
/// each message that says what its fields are.
///
/// Complexity: one pass. Allocates never. Any thread.
package enum SpanValidator {
  /// `AnyValue`s nest; the agent writes scalars. Deeper ones are refused, as some receivers do (protobuf's own limit is 100).
  private static let deepest = 16

  package static func summary(of bytes: UnsafeRawBufferPointer) -> SpanSummary? {
    guard let start = bytes.baseAddress else { return nil }
    var summary = SpanSummary()
    let isValid = areValid(from: start, to: start + bytes.count, Message.span, depth: 0) { field, value in
      switch field {
      case 1: summary.hasTraceID = value.loadUnaligned(as: UInt64.self) | value.loadUnaligned(fromByteOffset: 8, as: UInt64.self) != 0
      case 2: summary.spanID = value.loadUnaligned(as: UInt64.self)
      case 7: summary.startTimeUnixNano = UInt64(littleEndian: value.loadUnaligned(as: UInt64.self))
      case 8: summary.endTimeUnixNano = UInt64(littleEndian: value.loadUnaligned(as: UInt64.self))
      default: break
      }
    }
    return isValid && summary.hasTraceID && summary.spanID != 0 ? summary : nil
  }

  /// What a field is to hold, in four bits.
  private enum Kind {
    static var unknown: UInt64 { 0 }
    static var string: UInt64 { 1 }
    static var varint: UInt64 { 2 }
    static var fixed64: UInt64 { 3 }
    static var fixed32: UInt64 { 4 }
    static var eightBytes: UInt64 { 5 }
    static var sixteenBytes: UInt64 { 6 }
    static var blob: UInt64 { 7 }
    // Messages.
    static var keyValue: UInt64 { 8 }
    static var anyValue: UInt64 { 9 }
    static var array: UInt64 { 10 }
    static var keyValueList: UInt64 { 11 }
    static var event: UInt64 { 12 }
    static var link: UInt64 { 13 }
    static var status: UInt64 { 14 }
  }

  /// The kinds of a message's fields, number n from bit 4n on; number 16 is in the place of 0, which is none.
  private enum Message {
    static var span: UInt64 {
      Kind.sixteenBytes &<< 4 | Kind.eightBytes &<< 8 | Kind.string &<< 12 | Kind.eightBytes &<< 16 | Kind.string &<< 20
        | Kind.varint &<< 24 | Kind.fixed64 &<< 28 | Kind.fixed64 &<< 32 | Kind.keyValue &<< 36 | Kind.varint &<< 40 | Kind.event &<< 44
        | Kind.varint &<< 48 | Kind.link &<< 52 | Kind.varint &<< 56 | Kind.status &<< 60 | Kind.fixed32
    }
    static var keyValue: UInt64 { Kind.string &<< 4 | Kind.anyValue &<< 8 }
    static var anyValue: UInt64 {
      Kind.string &<< 4 | Kind.varint &<< 8 | Kind.varint &<< 12 | Kind.fixed64 &<< 16 | Kind.array &<< 20 | Kind.keyValueList &<< 24
        | Kind.blob &<< 28
    }
    static var array: UInt64 { Kind.anyValue &<< 4 }
    static var keyValueList: UInt64 { Kind.keyValue &<< 4 }
    static var event: UInt64 { Kind.fixed64 &<< 4 | Kind.string &<< 8 | Kind.keyValue &<< 12 | Kind.varint &<< 16 }
    static var link: UInt64 {
      Kind.sixteenBytes &<< 4 | Kind.eightBytes &<< 8 | Kind.string &<< 12 | Kind.keyValue &<< 16 | Kind.varint &<< 20
        | Kind.fixed32 &<< 24
    }
    static var status: UInt64 { Kind.string &<< 8 | Kind.varint &<< 12 }
  }

  /// Whether a `KeyValue` is what most are: a short key and a short string, both in ASCII, or an integer. What is not may well be valid.
  @inline(__always)
  private static func isPlainPair(_ pair: UnsafeRawPointer, _ count: Int) -> Bool {
    func byte(_ index: Int) -> Int { Int(pair.load(fromByteOffset: index, as: UInt8.self)) }
    func isPlain(from: Int, count: Int) -> Bool { UTF8Measure.isASCII(Text((pair + from).assumingMemoryBound(to: UInt8.self), count: count)) }
    guard count >= 6, byte(0) == 0x0a, byte(1) &+ 6 <= count else { return false }
    let value = byte(1) &+ 4
    let rest = count &- value
    // A length of 0x80 and more would be of two bytes.
    guard value < 0x84, rest < 0x80, byte(value &- 2) == 0x12, byte(value &- 1) == rest, isPlain(from: 2, count: value &- 4) else { return false }
    switch byte(value) {
    case 0x0a: return byte(value &+ 1) == rest &- 2 && isPlain(from: value &+ 2, count: rest &- 2)
    case 0x18:
      var cursor = pair + (value &+ 1)
      return Varint.read(&cursor, pair + count) != nil && cursor == pair + count
    default: return false
    }
  }

  private static func isValid(from start: UnsafeRawPointer, to end: UnsafeRawPointer, _ kind: UInt64, depth: Int) -> Bool {
    guard depth <= deepest else { return false }
    let message =
      switch kind {
      case Kind.keyValue: Message.keyValue
      case Kind.anyValue: Message.anyValue
      case Kind.array: Message.array
      case Kind.keyValueList: Message.keyValueList
      case Kind.event: Message.event
      case Kind.link: Message.link
      default: Message.status
      }
    return areValid(from: start, to: end, message, depth: depth) { _, _ in }
  }

  /// - Parameter body: gets each field's number and where its value begins, once that is known to be of its kind.
  @inline(__always)
  private static func areValid(
    from start: UnsafeRawPointer, to end: UnsafeRawPointer, _ message: UInt64, depth: Int, _ body: (UInt64, UnsafeRawPointer) -> Void
  ) -> Bool {
    var cursor = start
    while cursor < end {
      guard let key = Varint.read(&cursor, end) else { return false }
      let field = key &>> 3
      // Field numbers end at 2^29 - 1 and start at 1.
      guard field != 0, field < 1 &<< 29 else { return false }
      let kind = field <= 16 ? message &>> ((field & 15) &* 4) & 15 : Kind.unknown
      let value: UnsafeRawPointer
      switch key & 7 {
      case 0:
        value = cursor
        guard kind == Kind.varint || kind == Kind.unknown, Varint.read(&cursor, end) != nil else { return false }
      case 1:
        guard kind == Kind.fixed64 || kind == Kind.unknown, end - cursor >= 8 else { return false }
        value = cursor
        cursor += 8
      case 2:
        guard let length = Varint.read(&cursor, end), length <= UInt64(bitPattern: Int64(end - cursor)) else { return false }
        let count = Int(truncatingIfNeeded: length)
        value = cursor
        cursor += count
        switch kind {
        case Kind.unknown, Kind.blob: break
        case Kind.string:
          guard UTF8Measure.isWellFormed(Text(value.assumingMemoryBound(to: UInt8.self), count: count)) else { return false }
        case Kind.eightBytes: guard count == 8 else { return false }
        case Kind.sixteenBytes: guard count == 16 else { return false }
        case Kind.keyValue where isPlainPair(value, count): break
        case Kind.keyValue...: guard isValid(from: value, to: cursor, kind, depth: depth &+ 1) else { return false }
        default: return false
        }
      case 5:
        guard kind == Kind.fixed32 || kind == Kind.unknown, end - cursor >= 4 else { return false }
        value = cursor
        cursor += 4
      default: return false  // Groups are not used by OTLP.
      }
      body(field, value)
    }
    return true
  }
}
