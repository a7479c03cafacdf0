public import OTelPrimitives

/// The `tracestate` field, kept as the text it came as. Source: https://www.w3.org/TR/trace-context-2/#tracestate-header
public struct TraceState {
  /// Longest text that is carried. The W3C asks for 512.
  public static let capacity = 512

  private var members = 0
  private var count = 0
  private var isWellFormed = true

  public init() {}

  /// Whether `text` may be passed on: at most 32 members, each `key=value` of the grammar. One bad member spoils all.
  public static func isValid(_ text: Text) -> Bool {
    var state = TraceState()
    state.add(text)
    return state.isValid
  }

  /// Whether there is something, and all of it may be passed on.
  public var isValid: Bool { isWellFormed && members > 0 }
  /// Whether there is nothing: blank members are none.
  public var isEmpty: Bool { isWellFormed && members == 0 }

  /// Adds a field's value. Of several fields the values count as one list, with a comma between them (RFC 9110, 5.3).
  @inline(never)
  public mutating func add(_ text: Text) {
    count = count &+ text.count &+ (count == 0 ? 0 : 1)
    guard isWellFormed, count <= Self.capacity else {
      isWellFormed = false
      return
    }
    var start = 0
    while start <= text.count {
      let end = text.firstIndex(of: 0x2c, from: start) ?? text.count
      // OWS around a member is no part of it, but a value's leading spaces are: only the key's side and the end are trimmed.
      let member = text.slice(start, end).trimmed
      if !member.isEmpty {
        members &+= 1
        if members > 32 || !Self.isMember(member) {
          isWellFormed = false
          return
        }
      }
      start = end &+ 1
    }
  }

  private static func isMember(_ member: Text) -> Bool {
    guard let equals = member.firstIndex(of: 0x3d), equals > 0, equals <= 256 else { return false }
    var index = 0
    while index < equals {
      let byte = member[index]
      let isFirst = byte &- 0x61 < 26 || byte &- 0x30 < 10
      guard isFirst || index > 0 && (byte == 0x5f || byte == 0x2d || byte == 0x2a || byte == 0x2f || byte == 0x40) else { return false }
      index &+= 1
    }
    let value = member.from(equals &+ 1)
    guard value.count >= 1, value.count <= 256, value[value.count &- 1] != 0x20 else { return false }
    index = 0
    while index < value.count {
      let byte = value[index]
      guard byte >= 0x20, byte <= 0x7e, byte != 0x3d else { return false }
      index &+= 1
    }
    return true
  }
}
