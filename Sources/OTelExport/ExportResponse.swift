import OTLPWire

/// What a collector says in its answer's body.
package struct ExportResponse: Equatable {
  /// Spans it did not take, of an accepted request.
  package var rejectedSpans = 0
  /// Its own words, of at most 256 bytes; "" when it said nothing.
  package var message = ""

  package init() {}

  /// Reads an `ExportTraceServiceResponse`. What cannot be read counts as full success: the status said so
  /// (opentelemetry-proto, docs/specification.md, "Full Success").
  package init(success body: [UInt8]) {
    body.withUnsafeBytes { bytes in
      var reader = MessageReader(bytes)
      while let (field, value) = reader.next() {
        guard field == 1, case .bytes(let partial) = value else { continue }
        var inner = MessageReader(partial)
        while let (field, value) = inner.next() {
          switch (field, value) {
          case (1, .varint(let count)): rejectedSpans = Int(clamping: Int64(bitPattern: count))
          case (2, .bytes(let text)): message = Self.shown(text)
          default: break
          }
        }
      }
    }
    if rejectedSpans < 0 { rejectedSpans = 0 }
  }

  /// Reads a `google.rpc.Status`, which OTLP servers answer with on failure, or else takes a short plain text as it is.
  package init(failure body: [UInt8]) {
    body.withUnsafeBytes { bytes in
      var reader = MessageReader(bytes)
      var text = ""
      while let (field, value) = reader.next() {
        if field == 2, case .bytes(let bytes) = value { text = Self.shown(bytes) }
      }
      message = reader.isMalformed ? Self.shown(bytes) : text
    }
  }

  /// At most 256 bytes, in UTF-8, without control characters.
  private static func shown(_ bytes: UnsafeRawBufferPointer) -> String {
    let text = String(decoding: bytes.prefix(256), as: UTF8.self)
    return String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7f ? " " : $0 }))
  }
}
