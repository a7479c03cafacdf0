import OTelConfiguration
package import OTelPrimitives

/// An argument, a path or an entry of the environment: bytes without a NUL, in no particular encoding.
///
/// Not `String`, which would replace what is not UTF-8: a program has to get exactly what its user wrote.
package struct ByteString: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
  package var bytes: [UInt8]

  package init(_ bytes: some Sequence<UInt8>) { self.bytes = [UInt8](bytes) }
  package init(_ text: Text) { bytes = [UInt8](UnsafeBufferPointer(start: text.start, count: text.count)) }
  package init(_ string: String) { bytes = [UInt8](string.utf8) }
  package init(stringLiteral literal: String) { self.init(literal) }
  package init(cString: UnsafePointer<CChar>) { self.init(Text(cString: cString, limit: .max)) }

  /// For messages only.
  package var description: String { String(decoding: bytes, as: UTF8.self) }

  /// In quotation marks, on one line, cut: for messages about something that a user typed.
  package var quoted: String { withText { String(quoting: $0) } }

  package var isEmpty: Bool { bytes.isEmpty }
  package func contains(_ byte: Unicode.Scalar) -> Bool { bytes.contains(UInt8(ascii: byte)) }
  package func hasPrefix(_ prefix: ByteString) -> Bool { bytes.starts(with: prefix.bytes) }

  package static func + (first: ByteString, second: ByteString) -> ByteString { ByteString(first.bytes + second.bytes) }

  /// The parts between the bytes of `separators`; empty ones too.
  package func split(_ separators: Unicode.Scalar...) -> [ByteString] {
    bytes.split(omittingEmptySubsequences: false) { byte in separators.contains { UInt8(ascii: $0) == byte } }.map { ByteString($0) }
  }

  /// Everything before the last `/`: "/" for a file in the root, "." for a name without one (dirname(3)).
  package var directory: ByteString {
    guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == 0 ? "/" : ByteString(bytes[..<slash])
  }

  /// Everything behind the last `/`.
  package var name: ByteString { split("/").last ?? self }

  /// The `Text` is valid during `body`.
  package func withText<Result>(_ body: (Text) -> Result) -> Result {
    // One byte more than the text has, so that there is an address even for an empty one.
    (bytes + [0]).withUnsafeBufferPointer { body(Text($0.baseAddress!, count: bytes.count)) }
  }

  /// The C string is valid during `body`.
  package func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
    (bytes + [0]).withUnsafeBufferPointer { $0.withMemoryRebound(to: CChar.self) { body($0.baseAddress!) } }
  }
}
