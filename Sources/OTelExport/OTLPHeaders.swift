package import OTelPrimitives

/// A header that the user asked to be sent with every request. Its value is often a credential: it is never logged or shown.
package struct OTLPHeader: Hashable {
  package let name: String
  package let value: String
}

package enum OTLPHeaders {
  /// Reads `name=value,name=value` (specification, protocol/exporter.md, "Specifying headers via environment variables": the syntax of
  /// W3C Baggage without properties; values are percent-encoded). A pair that cannot be sent is left out, the others stay; of two pairs
  /// with the same name the later one stays.
  ///
  /// - Parameter variable: whose value `text` is, for `problems`.
  package static func parse(_ text: Text, variable: String, problems: inout [InvalidSetting]) -> [OTLPHeader] {
    var headers: [OTLPHeader] = []
    var position = 0
    var number = 0
    while position <= text.count {
      let end = text.firstIndex(of: 0x2c, from: position) ?? text.count
      let pair = text.slice(position, end).trimmed
      position = end + 1
      guard !pair.isEmpty else { continue }
      number += 1
      guard let header = header(pair) else {
        problems.append(
          InvalidSetting(
            variable,
            "entry \(number) is not a header that can be sent (name=value, value percent-encoded, without control characters) and is left out."
              + " Its text is not shown because it may be a secret."))
        continue
      }
      headers.removeAll { $0.name.lowercased() == header.name.lowercased() }
      headers.append(header)
    }
    return headers
  }

  private static func header(_ pair: Text) -> OTLPHeader? {
    guard let equals = pair.firstIndex(of: 0x3d) else { return nil }
    let name = pair.slice(0, equals).trimmed
    guard !name.isEmpty, (0..<name.count).allSatisfy({ isTokenByte(name[$0]) }) else { return nil }
    guard let value = percentDecoded(pair.from(equals + 1).trimmed) else { return nil }
    // CR, LF or NUL in a value would end the header and begin another (RFC 9110, section 5.5).
    guard value.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }), value.withUnsafeBytes(isValidUTF8) else { return nil }
    return OTLPHeader(name: String(repairing: name), value: String(decoding: value, as: UTF8.self))
  }

  /// RFC 9110, section 5.6.2.
  private static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
    case 0x21, 0x23...0x27, 0x2a, 0x2b, 0x2d, 0x2e, 0x5e, 0x5f, 0x60, 0x7c, 0x7e: true
    default: false
    }
  }
}
