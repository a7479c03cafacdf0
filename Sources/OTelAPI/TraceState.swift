import COTelShims
public import OTelPrimitives

/// The `tracestate` field, kept as the text it came as. Source: https://www.w3.org/TR/trace-context-2/#tracestate-header
public struct TraceState {
  /// Longest text that is carried. The W3C asks for 512.
  public static let capacity = 512

  private var members = 0
  private var count = 0
  private var isWellFormed = true
  private let limit: Int

  public init() { self.init(limit: Self.capacity) }
  private init(limit: Int) { self.limit = limit }

  /// Copies what is passed on of `text`; returns how many bytes. All of it, as it came, where it is valid and fits. What is valid and longer loses whole
  /// members: those of more than 128 characters first, then others, from the right (section 3.3.1.5). One bad member spoils all.
  /// - Parameter target: room for `capacity` bytes.
  @inline(never)
  public static func copy(_ text: Text, to target: UnsafeMutablePointer<UInt8>) -> Int {
    var state = TraceState(limit: .max)
    state.add(text)
    guard state.isValid else { return 0 }
    if text.count <= capacity {
      memcpy(target, text.start, text.count)
      return text.count
    }
    // A bit for each member.
    var kept = UInt32.max
    while let last = excess(text, kept) { kept &= ~(1 &<< UInt32(truncatingIfNeeded: last)) }
    var count = 0
    forEachMember(of: text) { index, member in
      guard kept & 1 &<< UInt32(truncatingIfNeeded: index) != 0 else { return }
      if count != 0 {
        target[count] = 0x2c
        count &+= 1
      }
      memcpy(target + count, member.start, member.count)
      count &+= member.count
    }
    return count
  }

  /// The member that goes next, of those that are `kept`; nil when they fit.
  private static func excess(_ text: Text, _ kept: UInt32) -> Int? {
    var (total, last, lastLong) = (0, 0, -1)
    forEachMember(of: text) { index, member in
      guard kept & 1 &<< UInt32(truncatingIfNeeded: index) != 0 else { return }
      total &+= member.count &+ (total == 0 ? 0 : 1)
      last = index
      if member.count > 128 { lastLong = index }
    }
    return total <= capacity ? nil : lastLong >= 0 ? lastLong : last
  }

  /// Calls `body` with the number and the text of each member that is not blank.
  @inline(__always)
  private static func forEachMember(of text: Text, _ body: (Int, Text) -> Void) {
    // OWS around a member is no part of it, but a value's leading spaces are: only the key's side and the end are trimmed.
    var (index, items) = (0, ListItems(text))
    while let member = items.next() {
      body(index, member)
      index &+= 1
    }
  }

  /// Whether `text` may be passed on as it is: at most 32 members, each `key=value` of the grammar. One bad member spoils all.
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
    if count > limit { isWellFormed = false }
    guard isWellFormed else { return }
    var (members, isWellFormed) = (members, true)
    Self.forEachMember(of: text) { _, member in
      members &+= 1
      if members > 32 || !Self.isMember(member) { isWellFormed = false }
    }
    self.members = members
    self.isWellFormed = isWellFormed
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
