import OTLPWire

/// A span as far as a view shows it, read from its OTLP form.
package struct ViewedSpan: Equatable, Sendable {
  package struct TraceID: Hashable, Sendable {
    package var high: UInt64
    package var low: UInt64

    package init(high: UInt64, low: UInt64) { (self.high, self.low) = (high, low) }
  }

  package var traceID = TraceID(high: 0, low: 0)
  package var spanID: UInt64 = 0
  /// 0: it is a root.
  package var parentSpanID: UInt64 = 0
  /// `Span.flags`: W3C trace flags in the low byte, then whether the parent is remote.
  package var flags: UInt32 = 0
  package var name = ""
  /// Unix time in nanoseconds; `end` is not before `start`.
  package var start: UInt64 = 0
  package var end: UInt64 = 0
  package var isError = false
  package var statusMessage = ""
  /// Scalars as text; what is longer than anybody sees is cut.
  package var attributes: [String: String] = [:]

  package init() {}

  static let longestText = 1024
  static let mostAttributes = 128

  /// - Parameter bytes: a `Span` message (opentelemetry/proto/trace/v1/trace.proto). Nil when it is malformed or lacks an id.
  package init?(_ bytes: UnsafeRawBufferPointer) {
    var reader = MessageReader(bytes)
    while let (field, value) = reader.next() {
      switch (field, value) {
      case (1, .bytes(let id)) where id.count == 16: traceID = TraceID(high: Self.bigEndian(id, 0), low: Self.bigEndian(id, 8))
      case (2, .bytes(let id)) where id.count == 8: spanID = Self.bigEndian(id, 0)
      case (4, .bytes(let id)) where id.count == 8: parentSpanID = Self.bigEndian(id, 0)
      // Of a field that is there twice the last counts: names are completed that way.
      case (5, .bytes(let text)): name = Self.text(text)
      case (7, .fixed64(let time)): start = time
      case (8, .fixed64(let time)): end = time
      case (9, .bytes(let pair)) where attributes.count < Self.mostAttributes: takeAttribute(pair)
      case (15, .bytes(let status)): takeStatus(status)
      case (16, .fixed32(let word)): flags = word
      default: break
      }
    }
    guard !reader.isMalformed, traceID != TraceID(high: 0, low: 0), spanID != 0 else { return nil }
    end = max(start, end)
  }

  package var duration: UInt64 { end - start }

  /// What a program that calls others puts into their `TRACEPARENT` (W3C Trace Context, "traceparent").
  package static func traceParent(_ trace: TraceID, span: UInt64, flags: UInt32) -> String {
    "00-\(hexadecimal(trace.high))\(hexadecimal(trace.low))-\(hexadecimal(span))-\(flags & 0xff < 16 ? "0" : "")\(String(flags & 0xff, radix: 16))"
  }

  private static func hexadecimal(_ word: UInt64) -> String {
    let digits = String(word, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  private static func bigEndian(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
    UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
    String(decoding: UnsafeRawBufferPointer(rebasing: bytes.prefix(longestText)), as: UTF8.self)
  }

  private mutating func takeStatus(_ bytes: UnsafeRawBufferPointer) {
    var reader = MessageReader(bytes)
    while let (field, value) = reader.next() {
      if field == 2, case .bytes(let text) = value { statusMessage = Self.text(text) }
      if field == 3, case .varint(let code) = value { isError = code == 2 }
    }
  }

  private mutating func takeAttribute(_ bytes: UnsafeRawBufferPointer) {
    var key = ""
    var text: String?
    var reader = MessageReader(bytes)
    while let (field, value) = reader.next() {
      guard case .bytes(let inner) = value else { continue }
      if field == 1 { key = Self.text(inner) }
      if field == 2 { text = Self.value(inner) }
    }
    if let text { attributes[key] = text }
  }

  /// An `AnyValue` that is a scalar or an array of these, as `[first, second]`.
  private static func value(_ bytes: UnsafeRawBufferPointer) -> String? {
    var reader = MessageReader(bytes)
    guard case (5, .bytes(let array))? = reader.next() else { return scalar(bytes) }
    var items: [String] = []
    var members = MessageReader(array)
    while let (field, value) = members.next() {
      if field == 1, case .bytes(let item) = value, let text = scalar(item) { items.append(text) }
    }
    return "[" + items.joined(separator: ", ") + "]"
  }

  /// An `AnyValue` that is a string, a boolean or a number.
  private static func scalar(_ bytes: UnsafeRawBufferPointer) -> String? {
    var reader = MessageReader(bytes)
    guard let (field, value) = reader.next() else { return nil }
    switch (field, value) {
    case (1, .bytes(let string)): return text(string)
    case (2, .varint(let flag)): return flag == 0 ? "false" : "true"
    case (3, .varint(let number)): return String(Int64(bitPattern: number))
    case (4, .fixed64(let bits)): return "\(Double(bitPattern: bits))"
    default: return nil
    }
  }
}
