import OTLPWire

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
/// Complexity: one pass. Allocates never. Any thread.
package enum SpanValidator {
  private enum Message { case span, keyValue, anyValue, array, keyValueList, event, link, status }
  private enum Kind { case string, bytes(Int), blob, varint, fixed64, fixed32, message(Message), unknown }

  /// `AnyValue`s nest; the agent writes scalars. Deeper ones are refused, as some receivers do (protobuf's own limit is 100).
  private static let deepest = 16

  package static func summary(of bytes: UnsafeRawBufferPointer) -> SpanSummary? {
    var summary = SpanSummary()
    var reader = MessageReader(bytes)
    while let (field, value) = reader.next() {
      guard isValid(value, spanField(field), depth: 0) else { return nil }
      switch (field, value) {
      case (1, .bytes(let id)): summary.hasTraceID = id.contains { $0 != 0 }
      case (2, .bytes(let id)): summary.spanID = id.loadUnaligned(as: UInt64.self)
      case (7, .fixed64(let time)): summary.startTimeUnixNano = time
      case (8, .fixed64(let time)): summary.endTimeUnixNano = time
      default: break
      }
    }
    guard !reader.isMalformed, summary.hasTraceID, summary.spanID != 0 else { return nil }
    return summary
  }

  private static func isValid(_ value: MessageReader.Value, _ kind: Kind, depth: Int) -> Bool {
    switch (kind, value) {
    case (.string, .bytes(let bytes)): return isValidUTF8(bytes)
    case (.bytes(let count), .bytes(let bytes)): return bytes.count == count
    case (.blob, .bytes), (.varint, .varint), (.fixed64, .fixed64), (.fixed32, .fixed32), (.unknown, _): return true
    case (.message(let message), .bytes(let bytes)): return isValid(bytes, message, depth: depth + 1)
    default: return false
    }
  }

  private static func isValid(_ bytes: UnsafeRawBufferPointer, _ message: Message, depth: Int) -> Bool {
    guard depth <= deepest else { return false }
    var reader = MessageReader(bytes)
    while let (field, value) = reader.next() {
      guard isValid(value, kind(field, in: message), depth: depth) else { return false }
    }
    return !reader.isMalformed
  }

  private static func kind(_ field: UInt64, in message: Message) -> Kind {
    switch message {
    case .span: spanField(field)
    case .keyValue: field == 1 ? .string : (field == 2 ? .message(.anyValue) : .unknown)
    case .anyValue: anyValueField(field)
    case .array: field == 1 ? .message(.anyValue) : .unknown
    case .keyValueList: field == 1 ? .message(.keyValue) : .unknown
    case .event:
      switch field {
      case 1: .fixed64
      case 2: .string
      case 3: .message(.keyValue)
      case 4: .varint
      default: .unknown
      }
    case .link:
      switch field {
      case 1: .bytes(16)
      case 2: .bytes(8)
      case 3: .string
      case 4: .message(.keyValue)
      case 5: .varint
      case 6: .fixed32
      default: .unknown
      }
    case .status: field == 2 ? .string : (field == 3 ? .varint : .unknown)
    }
  }

  private static func anyValueField(_ field: UInt64) -> Kind {
    switch field {
    case 1: .string
    case 2, 3: .varint
    case 4: .fixed64
    case 5: .message(.array)
    case 6: .message(.keyValueList)
    case 7: .blob
    default: .unknown
    }
  }

  private static func spanField(_ field: UInt64) -> Kind {
    switch field {
    case 1: .bytes(16)
    case 2, 4: .bytes(8)
    case 3, 5: .string
    case 6, 10, 12, 14: .varint
    case 7, 8: .fixed64
    case 9: .message(.keyValue)
    case 11: .message(.event)
    case 13: .message(.link)
    case 15: .message(.status)
    case 16: .fixed32
    default: .unknown
    }
  }
}
