import OTLPWire
package import OTelConfiguration
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
    var members = KeyValueList(text)
    while let member = members.next() {
      guard let header = header(member) else {
        problems.append(
          InvalidSetting(
            variable,
            "entry \(members.position) is not a header that can be sent (name=value, value percent-encoded, without control characters) and is"
              + " left out. Its text is not shown because it may be a secret."))
        continue
      }
      headers.removeAll { $0.name.lowercased() == header.name.lowercased() }
      headers.append(header)
    }
    return headers
  }

  private static func header(_ member: KeyValueList.Member) -> OTLPHeader? {
    guard case .pair(let name, let encoded) = member, HeaderField.isName(name), HeaderField.isValue(percentEncoded: encoded),
      let value = PercentEncoding.decoded(encoded), value.withUnsafeBytes(isValidUTF8)
    else { return nil }
    return OTLPHeader(name: String(name), value: String(decoding: value, as: UTF8.self))
  }
}
