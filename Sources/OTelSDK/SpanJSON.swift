import OTLPWire
import OTelPrimitives
import OTelRegion

/// A span as JSON, with the names, the nesting and the forms of OpenTelemetry Python's console exporter (`ReadableSpan.to_json`), made
/// from its OTLP bytes. Events and links are always empty: no instrumentation records any.
///
/// Each field is looked for when its turn comes: one walk over some hundred bytes more often, and no copies on the stack of a program.
struct SpanJSON {
  /// An OTLP `Span`, borrowed.
  let message: UnsafeRawBufferPointer

  /// The bytes of a field; empty when it is not there. Of a field that occurs more than once, the last counts.
  @inline(never)
  private static func bytes(_ wanted: UInt64, of message: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    var found = UnsafeRawBufferPointer(start: nil, count: 0)
    var reader = MessageReader(message)
    while let (field, value) = reader.field() {
      if field == wanted, case .bytes(let bytes) = value { found = bytes }
    }
    return found
  }

  /// A number, whatever its width; 0 when it is not there.
  @inline(never)
  private static func number(_ wanted: UInt64, of message: UnsafeRawBufferPointer) -> UInt64 {
    var found: UInt64 = 0
    var reader = MessageReader(message)
    while let (field, value) = reader.field() {
      guard field == wanted else { continue }
      switch value {
      case .varint(let number), .fixed64(let number): found = number
      default: break
      }
    }
    return found
  }

  private func text(_ field: UInt64) -> Text { Text(Self.bytes(field, of: message)) }
  private func number(_ field: UInt64) -> UInt64 { Self.number(field, of: message) }

  /// Writes one object and a line feed. Its parts are out of line: what one has on the stack is gone when the next, which may be deep, begins.
  @inline(__always)
  func write(to writer: inout JSONWriter, resource: Resource, process: ProcessState) {
    writeHead(to: &writer)
    _ = Self.writeAttributes(of: message, field: 9, to: &writer)
    writer.literal("}, \"events\": [], \"links\": [], \"resource\": {\"attributes\": {")
    writeResource(resource, process, to: &writer)
    writer.literal("}, \"schema_url\": \"")
    writer.literal(Distribution.schemaURL)
    writer.literal("\"}}\n")
  }

  /// Up to the brace in front of the attributes.
  @inline(never)
  private func writeHead(to writer: inout JSONWriter) {
    writer.literal("{\"name\": ")
    writer.value(text(5))
    writer.literal(", \"context\": {\"trace_id\": \"0x")
    writer.hexadecimal(text(1))
    writer.literal("\", \"span_id\": \"0x")
    writer.hexadecimal(text(2))
    writer.literal("\", \"trace_state\": ")
    writeTraceState(&writer)
    writer.literal("}, \"kind\": \"SpanKind.")
    writer.literal(kindName)
    writer.literal("\", \"parent_id\": ")
    let parentID = text(4)
    if parentID.isEmpty {
      writer.literal("null")
    } else {
      writer.literal("\"0x")
      writer.hexadecimal(parentID)
      writer.literal("\"")
    }
    writer.literal(", \"start_time\": ")
    writer.timestamp(number(7))
    writer.literal(", \"end_time\": ")
    writer.timestamp(number(8))
    writer.literal(", \"status\": {\"status_code\": ")
    writeStatus(&writer)
    writer.literal("}, \"attributes\": {")
  }

  private func writeStatus(_ writer: inout JSONWriter) {
    let status = Self.bytes(15, of: message)
    switch Self.number(3, of: status) {
    case 1: writer.literal("\"OK\"")
    case 2: writer.literal("\"ERROR\"")
    default: writer.literal("\"UNSET\"")
    }
    let description = Text(Self.bytes(2, of: status))
    guard !description.isEmpty else { return }
    writer.literal(", \"description\": ")
    writer.value(description)
  }

  private var kindName: StaticString {
    switch number(6) {
    case 2: "SERVER"
    case 3: "CLIENT"
    case 4: "PRODUCER"
    case 5: "CONSUMER"
    default: "INTERNAL"
    }
  }

  /// As Python prints one: a list's text, in which each member is a string, `['{key=vendor, value=1}']`.
  private func writeTraceState(_ writer: inout JSONWriter) {
    writer.literal("\"[")
    var rest = text(3)
    var isFirst = true
    while !rest.isEmpty {
      let end = rest.firstIndex(of: 0x2c) ?? rest.count
      let member = rest.slice(0, end).trimmed
      rest = rest.from(end &+ 1)
      guard let equals = member.firstIndex(of: 0x3d) else { continue }
      if !isFirst { writer.literal(", ") }
      isFirst = false
      // Python takes the quotation mark that need not be escaped.
      let isDouble = member.firstIndex(of: 0x27) != nil && member.firstIndex(of: 0x22) == nil
      let quote: UInt8 = isDouble ? 0x22 : 0x27
      writer.character(quote)
      writer.literal("{key=")
      writeQuoted(member.slice(0, equals), quote, to: &writer)
      writer.literal(", value=")
      writeQuoted(member.from(equals &+ 1), quote, to: &writer)
      writer.literal("}")
      writer.character(quote)
    }
    writer.literal("]\"")
  }

  @inline(never)
  private func writeQuoted(_ text: Text, _ quote: UInt8, to writer: inout JSONWriter) {
    var index = 0
    while index < text.count {
      let byte = text[index]
      if byte == quote || byte == 0x5c { writer.character(0x5c) }
      writer.character(byte)
      index &+= 1
    }
  }

  @inline(never)
  private func writeResource(_ resource: Resource, _ process: ProcessState, to writer: inout JSONWriter) {
    let bytes = UnsafeRawBufferPointer(start: resource.attributes.start, count: resource.attributes.count)
    var isFirst = Self.writeAttributes(of: bytes, field: Resource.attributesField, to: &writer)
    if !resource.hasInstanceID {
      writer.literal(isFirst ? "\"service.instance.id\": \"" : ", \"service.instance.id\": \"")
      writeInstanceID(process, to: &writer)
      writer.literal("\"")
      isFirst = false
    }
    if !resource.hasProcessID {
      writer.literal(isFirst ? "\"process.pid\": " : ", \"process.pid\": ")
      writer.integer(Int64(truncatingIfNeeded: process.processID.load()))
    }
  }

  /// RFC 9562, version 4: the 128 random bits of which the relay makes the same.
  @inline(never)
  private func writeInstanceID(_ process: ProcessState, to writer: inout JSONWriter) {
    let high = process.instanceHigh.load() & ~0xf000 | 0x4000
    let low = process.instanceLow.load() & ~(3 &<< 62) | 1 &<< 63
    var words = (high.byteSwapped, low.byteSwapped)
    withUnsafeBytes(of: &words) { buffer in
      guard let start = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
      let bytes = Text(start, count: 16)
      writer.hexadecimal(bytes.slice(0, 4))
      writer.byte(0x2d)
      writer.hexadecimal(bytes.slice(4, 6))
      writer.byte(0x2d)
      writer.hexadecimal(bytes.slice(6, 8))
      writer.byte(0x2d)
      writer.hexadecimal(bytes.slice(8, 10))
      writer.byte(0x2d)
      writer.hexadecimal(bytes.slice(10, 16))
    }
  }

  // MARK: Attributes

  /// The pairs of every field `field` of `message`, without braces. Returns whether there was none.
  @inline(never)
  private static func writeAttributes(of message: UnsafeRawBufferPointer, field wanted: UInt64, to writer: inout JSONWriter) -> Bool {
    var isFirst = true
    var reader = MessageReader(message)
    while let (field, value) = reader.field() {
      guard field == wanted, case .bytes(let pair) = value else { continue }
      if !isFirst { writer.literal(", ") }
      isFirst = false
      write(pair: pair, to: &writer)
    }
    return isFirst
  }

  /// A `KeyValue`.
  @inline(never)
  private static func write(pair: UnsafeRawBufferPointer, to writer: inout JSONWriter) {
    writer.string(Text(bytes(1, of: pair)))
    writer.literal(": ")
    write(bytes(2, of: pair), to: &writer)
  }

  /// An `AnyValue`: a string, a truth value, an integer, or an array of those, which is all that attributes of spans may be but for
  /// floating-point numbers, and no instrumentation records these. Anything else is null.
  @inline(never)
  private static func write(_ any: UnsafeRawBufferPointer, to writer: inout JSONWriter) {
    var reader = MessageReader(any)
    guard let (field, value) = reader.field() else { return writer.literal("null") }
    guard field == 5, case .bytes(let array) = value else { return write(scalar: value, field, to: &writer) }
    write(array: array, to: &writer)
  }

  /// An `ArrayValue`. Out of line, as few attributes are one, and all would take its stack.
  @inline(never)
  private static func write(array: UnsafeRawBufferPointer, to writer: inout JSONWriter) {
    writer.literal("[")
    var isFirst = true
    var items = MessageReader(array)
    while let (field, value) = items.field() {
      guard field == 1, case .bytes(let item) = value else { continue }
      if !isFirst { writer.literal(", ") }
      isFirst = false
      var reader = MessageReader(item)
      if let (field, value) = reader.field() { write(scalar: value, field, to: &writer) } else { writer.literal("null") }
    }
    writer.literal("]")
  }

  @inline(never)
  private static func write(scalar: MessageReader.Value, _ field: UInt64, to writer: inout JSONWriter) {
    switch (field, scalar) {
    case (1, .bytes(let bytes)): writer.value(Text(bytes))
    case (2, .varint(let number)): writer.literal(number == 0 ? "false" : "true")
    case (3, .varint(let number)): writer.integer(Int64(bitPattern: number))
    default: writer.literal("null")
    }
  }
}

extension MessageReader {
  /// `next`, once and not at every place.
  @inline(never)
  fileprivate mutating func field() -> (field: UInt64, value: Value)? { next() }
}

extension Text {
  /// - Parameter bytes: borrowed.
  fileprivate init(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress else {
      self = Text("")
      return
    }
    self.init(start.assumingMemoryBound(to: UInt8.self), count: bytes.count)
  }
}
