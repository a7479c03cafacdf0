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

  /// At most 256 bytes, in UTF-8, without control characters: those above U+007F too, for which U+009B is as good as "ESC [", and what
  /// ends a line (U+2028, U+2029) or turns its direction.
  private static func shown(_ bytes: UnsafeRawBufferPointer) -> String {
    var text = String.UnicodeScalarView()
    var count = 0
    for scalar in String(decoding: bytes.prefix(256), as: UTF8.self).unicodeScalars {
      let shown = isPlain(scalar) ? scalar : " "
      count += UTF8.width(shown)
      guard count <= 256 else { break }
      text.append(shown)
    }
    return String(text)
  }

  private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case ..<0x20, 0x7f..<0xa0, 0x61c, 0x200e...0x200f, 0x2028...0x202e, 0x2066...0x2069: false
    default: true
    }
  }
}
