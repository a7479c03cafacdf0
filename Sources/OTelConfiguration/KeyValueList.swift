public import OTelPrimitives

/// The members of `key=value,key=value`: OTEL_RESOURCE_ATTRIBUTES and OTEL_EXPORTER_OTLP_HEADERS, both in the syntax of W3C Baggage
/// without properties.
///
/// Nothing here allocates or traps. Keys and values are borrowed and still percent-encoded.
public struct KeyValueList {
  private var rest: Text
  /// The number of the member that `next` returned last, from 1; blank members count too, as a user does who looks for it.
  public private(set) var position = 0

  public init(_ text: Text) { rest = text }

  public enum Member {
    /// Both without surrounding space. The value may hold `=`: only the first one separates.
    case pair(key: Text, value: Text)
    case malformed(Flaw)
  }

  public enum Flaw: Sendable {
    case noEqualsSign, noKey
    /// A `%` without two hexadecimal digits behind it.
    case badEncoding
  }

  /// The next member that is not blank; nil at the end.
  @inline(never)
  public mutating func next() -> Member? {
    while !rest.isEmpty {
      let end = rest.firstIndex(of: 0x2c) ?? rest.count
      let member = rest.slice(0, end).trimmed
      rest = rest.from(end &+ 1)
      position &+= 1
      if !member.isEmpty { return KeyValueList.parse(member) }
    }
    return nil
  }

  private static func parse(_ member: Text) -> Member {
    guard let equals = member.firstIndex(of: 0x3d) else { return .malformed(.noEqualsSign) }
    let key = member.slice(0, equals).trimmed
    let value = member.from(equals &+ 1).trimmed
    if key.isEmpty { return .malformed(.noKey) }
    guard PercentEncoding.isValid(key), PercentEncoding.isValid(value) else { return .malformed(.badEncoding) }
    return .pair(key: key, value: value)
  }
}
