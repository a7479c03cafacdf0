#if !hasFeature(Embedded)
  /// Builds a protobuf message in memory that grows. For the relay, which may allocate; the agent writes into fixed memory instead.
  ///
  /// A value: not shared between threads. Complexity: amortised linear in the bytes written; a nested message is copied once.
  package struct MessageBuilder {
    package private(set) var bytes: [UInt8] = []

    package init(capacity: Int = 0) {
      if capacity > 0 { bytes.reserveCapacity(capacity) }
    }

    /// Bytes that a varint of `value` takes: 1…10.
    package static func varintLength(_ value: Int) -> Int { (70 - (UInt64(value) | 1).leadingZeroBitCount) / 7 }

    package mutating func append(varint value: UInt64) {
      var rest = value
      while rest >= 0x80 {
        bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
        rest >>= 7
      }
      bytes.append(UInt8(rest))
    }

    package mutating func append(field: Int, varint value: UInt64) {
      append(varint: UInt64(field) << 3)
      append(varint: value)
    }

    package mutating func append(field: Int, fixed64 value: UInt64) {
      append(varint: UInt64(field) << 3 | 1)
      withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// The head of a length-delimited field; its `count` bytes are appended next.
    package mutating func append(field: Int, headOfLength count: Int) {
      append(varint: UInt64(field) << 3 | 2)
      append(varint: UInt64(count))
    }

    package mutating func append(field: Int, bytes payload: some Collection<UInt8>) {
      append(field: field, headOfLength: payload.count)
      bytes.append(contentsOf: payload)
    }

    /// A `String` is valid UTF-8 by construction, which is what protobuf asks of a string field.
    package mutating func append(field: Int, string: String) { append(field: field, bytes: string.utf8) }

    package mutating func append(field: Int, message build: (inout MessageBuilder) -> Void) {
      var nested = MessageBuilder()
      build(&nested)
      append(field: field, bytes: nested.bytes)
    }

    package mutating func append(raw: UnsafeRawBufferPointer) { bytes.append(contentsOf: raw) }
    package mutating func append(raw: [UInt8]) { bytes.append(contentsOf: raw) }
  }

  extension MessageBuilder {
    /// A `KeyValue` with a string (opentelemetry/proto/common/v1/common.proto).
    package mutating func append(field: Int, attribute key: String, _ value: String) {
      append(field: field) { pair in
        pair.append(field: 1, string: key)
        pair.append(field: 2) { $0.append(field: 1, string: value) }
      }
    }

    /// A `KeyValue` with an integer.
    package mutating func append(field: Int, attribute key: String, _ value: Int64) {
      append(field: field) { pair in
        pair.append(field: 1, string: key)
        pair.append(field: 2) { $0.append(field: 3, varint: UInt64(bitPattern: value)) }
      }
    }
  }
#endif
