import OTLPWire

/// A `Span` message, read by the field numbers of trace.proto and not by the recorder's. Nil when it is not well-formed, or holds a field
/// twice that may be there once.
struct DecodedSpan {
  enum Value: Equatable {
    case string([UInt8])
    case int(Int64)
    case strings([[UInt8]])
  }

  private(set) var traceID: [UInt8] = []
  private(set) var spanID: [UInt8] = []
  private(set) var parentSpanID: [UInt8] = []
  private(set) var traceState: String?
  private(set) var name: [UInt8] = []
  private(set) var kind: UInt64 = 0
  private(set) var start: UInt64 = 0
  private(set) var end: UInt64 = 0
  private(set) var flags: UInt32 = 0
  private(set) var droppedAttributes: UInt64 = 0
  private(set) var statusCode: UInt64?
  private(set) var attributes: [(key: String, value: Value)] = []

  func value(_ key: String) -> Value? { attributes.first { $0.key == key }?.value }
  func string(_ key: String) -> String? {
    guard case .string(let bytes) = value(key) else { return nil }
    return String(validating: bytes, as: UTF8.self)
  }

  init?(_ bytes: [UInt8]) {
    let isValid = bytes.withUnsafeBytes { buffer in
      var seen: Set<UInt64> = []
      var reader = MessageReader(buffer)
      while let (field, value) = reader.next() {
        guard field == 9 || seen.insert(field).inserted, take(field, value) else { return false }
      }
      return !reader.isMalformed
    }
    guard isValid else { return nil }
  }

  private mutating func take(_ field: UInt64, _ value: MessageReader.Value) -> Bool {
    switch (field, value) {
    case (1, .bytes(let bytes)): traceID = Array(bytes)
    case (2, .bytes(let bytes)): spanID = Array(bytes)
    case (3, .bytes(let bytes)): traceState = String(validating: bytes, as: UTF8.self)
    case (4, .bytes(let bytes)): parentSpanID = Array(bytes)
    case (5, .bytes(let bytes)): name = Array(bytes)
    case (6, .varint(let number)): kind = number
    case (7, .fixed64(let time)): start = time
    case (8, .fixed64(let time)): end = time
    case (9, .bytes(let bytes)): return takeAttribute(bytes)
    case (10, .varint(let number)): droppedAttributes = number
    case (15, .bytes(let bytes)):
      var reader = MessageReader(bytes)
      guard case (3, .varint(let code))? = reader.next(), reader.next() == nil, !reader.isMalformed else { return false }
      statusCode = code
    case (16, .fixed32(let number)): flags = number
    default: return false
    }
    return true
  }

  private mutating func takeAttribute(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var reader = MessageReader(bytes)
    guard case (1, .bytes(let key))? = reader.next(), case (2, .bytes(let any))? = reader.next(), reader.next() == nil, !reader.isMalformed,
      let name = String(validating: key, as: UTF8.self)
    else { return false }
    var value = MessageReader(any)
    switch value.next() {
    case (1, .bytes(let text))?:
      guard String(validating: text, as: UTF8.self) != nil else { return false }
      attributes.append((name, .string(Array(text))))
    case (3, .varint(let number))?: attributes.append((name, .int(Int64(bitPattern: number))))
    case (5, .bytes(let array))?:
      guard let items = Self.strings(array) else { return false }
      attributes.append((name, .strings(items)))
    default: return false
    }
    return value.next() == nil && !value.isMalformed
  }

  /// Of an `ArrayValue`.
  private static func strings(_ bytes: UnsafeRawBufferPointer) -> [[UInt8]]? {
    var found: [[UInt8]] = []
    var items = MessageReader(bytes)
    while let (field, value) = items.next() {
      guard field == 1, case .bytes(let any) = value else { return nil }
      var reader = MessageReader(any)
      guard case (1, .bytes(let text))? = reader.next(), reader.next() == nil, !reader.isMalformed, String(validating: text, as: UTF8.self) != nil else {
        return nil
      }
      found.append(Array(text))
    }
    return items.isMalformed ? nil : found
  }
}

/// A number's bytes, most significant first.
func bigEndian(_ numbers: UInt64...) -> [UInt8] {
  numbers.flatMap { number in (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * UInt64($0))) } }
}
