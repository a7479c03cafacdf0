import OTLPWire
import OTelReceiver
import OTelView

/// `Span` as trace.proto declares it, read in the plainest way: lists of fields, copied.
enum ReferenceSpan {
  indirect enum Kind { case string, id(Int), bytes, varint, fixed64, fixed32, message(Message) }
  enum Message { case span, keyValue, anyValue, array, list, event, link, status }

  static func fields(_ message: Message) -> [UInt64: Kind] {
    switch message {
    case .span:
      [
        1: .id(16), 2: .id(8), 3: .string, 4: .id(8), 5: .string, 6: .varint, 7: .fixed64, 8: .fixed64, 9: .message(.keyValue), 10: .varint,
        11: .message(.event), 12: .varint, 13: .message(.link), 14: .varint, 15: .message(.status), 16: .fixed32,
      ]
    case .keyValue: [1: .string, 2: .message(.anyValue)]
    case .anyValue: [1: .string, 2: .varint, 3: .varint, 4: .fixed64, 5: .message(.array), 6: .message(.list), 7: .bytes]
    case .array: [1: .message(.anyValue)]
    case .list: [1: .message(.keyValue)]
    case .event: [1: .fixed64, 2: .string, 3: .message(.keyValue), 4: .varint]
    case .link: [1: .id(16), 2: .id(8), 3: .string, 4: .message(.keyValue), 5: .varint, 6: .fixed32]
    case .status: [2: .string, 3: .varint]
    }
  }

  enum Value: Equatable { case number(UInt64, wire: UInt64), bytes([UInt8]) }

  static func parse(_ bytes: [UInt8]) -> [(field: UInt64, value: Value)]? {
    var rest = bytes[...]
    func varint() -> UInt64? {
      let taken = rest.prefix { $0 >= 0x80 }.count + 1
      guard taken <= 10, rest.count >= taken, taken < 10 || rest[rest.startIndex + 9] <= 1 else { return nil }
      defer { rest = rest.dropFirst(taken) }
      return rest.prefix(taken).enumerated().reduce(0) { $0 | UInt64($1.element & 0x7f) << UInt64(7 * $1.offset) }
    }
    func fixed(_ count: Int) -> UInt64? {
      guard rest.count >= count else { return nil }
      defer { rest = rest.dropFirst(count) }
      return rest.prefix(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    var fields: [(UInt64, Value)] = []
    while !rest.isEmpty {
      guard let key = varint(), (1..<(1 << 29)).contains(key >> 3) else { return nil }
      switch key & 7 {
      case 0: guard let value = varint() else { return nil }; fields.append((key >> 3, .number(value, wire: 0)))
      case 1: guard let value = fixed(8) else { return nil }; fields.append((key >> 3, .number(value, wire: 1)))
      case 5: guard let value = fixed(4) else { return nil }; fields.append((key >> 3, .number(value, wire: 5)))
      case 2:
        guard let length = varint(), length <= UInt64(rest.count) else { return nil }
        fields.append((key >> 3, .bytes(Array(rest.prefix(Int(length))))))
        rest = rest.dropFirst(Int(length))
      default: return nil
      }
    }
    return fields
  }

  static func isValid(_ bytes: [UInt8], as message: Message, depth: Int) -> Bool {
    guard depth <= 16, let parsed = parse(bytes) else { return false }
    return parsed.allSatisfy { field, value in
      switch (fields(message)[field], value) {
      case (nil, _), (.bytes, .bytes), (.varint, .number(_, wire: 0)), (.fixed64, .number(_, wire: 1)), (.fixed32, .number(_, wire: 5)): true
      case (.string, .bytes(let text)): text.isUTF8
      case (.id(let count), .bytes(let id)): id.count == count
      case (.message(let inner), .bytes(let bytes)): isValid(bytes, as: inner, depth: depth + 1)
      default: false
      }
    }
  }

  static func last(_ field: UInt64, of fields: [(field: UInt64, value: Value)]) -> Value? { fields.last { $0.field == field }?.value }
}

/// The payload of a record.
func span(_ input: UnsafeRawBufferPointer) {
  let bytes = Array(input)
  let fields = ReferenceSpan.parse(bytes)
  // Field by field.
  var reader = MessageReader(input)
  var found: [(UInt64, ReferenceSpan.Value)] = []
  while let (field, value) = reader.next() {
    switch value {
    case .varint(let number): found.append((field, .number(number, wire: 0)))
    case .fixed64(let number): found.append((field, .number(number, wire: 1)))
    case .fixed32(let number): found.append((field, .number(UInt64(number), wire: 5)))
    case .bytes(let inner):
      if inner.count > 0 { check(inner.baseAddress! >= input.baseAddress! && inner.baseAddress! + inner.count <= input.baseAddress! + input.count, "outside") }
      found.append((field, .bytes(Array(inner))))
    }
  }
  checkEqual(reader.isMalformed, fields == nil, "malformed")
  if let fields { check(found.elementsEqual(fields) { $0.0 == $1.field && $0.1 == $1.value }, "other fields: \(found) instead of \(fields)") }

  let summary = SpanValidator.summary(of: input)
  func id(_ field: UInt64) -> [UInt8] { if case .bytes(let id)? = fields.flatMap({ ReferenceSpan.last(field, of: $0) }) { id } else { [] } }
  let isSpan = ReferenceSpan.isValid(bytes, as: .span, depth: 0) && id(1).contains { $0 != 0 } && id(2).contains { $0 != 0 }
  checkEqual(summary != nil, isSpan, "a span")
  guard let summary, let fields else { return }
  checkEqual(withUnsafeBytes(of: summary.spanID) { Array($0) }, id(2), "span_id")
  if case .number(let time, _)? = ReferenceSpan.last(7, of: fields) { checkEqual(summary.startTimeUnixNano, time) }
  if case .number(let time, _)? = ReferenceSpan.last(8, of: fields) { checkEqual(summary.endTimeUnixNano, time) }
  guard let viewed = ViewedSpan(input) else { return check(false, "a span that cannot be viewed") }
  check(viewed.start <= viewed.end && viewed.attributes.count <= 128, "a view of it")
  // Written again it is the same.
  var builder = MessageBuilder()
  for (field, value) in fields {
    switch value {
    case .number(let number, wire: 0): builder.append(field: Int(field), varint: number)
    case .number(let number, wire: 1): builder.append(field: Int(field), fixed64: number)
    case .bytes(let inner): builder.append(field: Int(field), bytes: inner)
    default: return
    }
  }
  check(ReferenceSpan.parse(builder.bytes)?.elementsEqual(fields) { $0.field == $1.field && $0.value == $1.value } == true, "another message")
}
