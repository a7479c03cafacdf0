/// The word in front of every record.
///
/// ```
/// 63            32 31    24 23  22 21  20 19           0
/// │ stamp          │ scope  │ signal│ state│ length      │
/// ```
/// The stamp is a keyed hash of the record's position: neither an older record that lies at the same place nor bytes that a remote
/// client chose can pass for a header.
public struct RecordHeader {
  public enum State {
    public static let reserved: UInt64 = 1 << 20
    public static let committed: UInt64 = 2 << 20
    /// Fills the end of the ring: records do not wrap.
    public static let padding: UInt64 = 3 << 20
    public static let mask: UInt64 = 3 << 20
  }

  public let word: UInt64

  @inlinable @inline(__always)
  public init(word: UInt64) { self.word = word }

  /// Stamp, tag and length; the state is added when it is stored.
  @inlinable @inline(__always)
  public init(position: UInt64, secret: UInt64, tag: RecordTag, length: UInt64) {
    word = Self.stamp(position, secret) | UInt64(tag.rawValue) &<< 22 | length & 0xf_ffff
  }

  @inlinable @inline(__always)
  public static func stamp(_ position: UInt64, _ secret: UInt64) -> UInt64 {
    let mixed = (position ^ secret) &* 0x9e37_79b9_7f4a_7c15
    return (mixed ^ mixed &>> 29) &* 0xbf58_476d_1ce4_e5b9 & 0xffff_ffff_0000_0000
  }

  @inlinable @inline(__always)
  public func isStamped(position: UInt64, secret: UInt64) -> Bool {
    word & 0xffff_ffff_0000_0000 == Self.stamp(position, secret) && word & State.mask != 0
  }

  @inlinable @inline(__always) public var state: UInt64 { word & State.mask }
  @inlinable @inline(__always) public var length: UInt64 { word & 0xf_ffff }
  @inlinable @inline(__always) public var tag: RecordTag { RecordTag(rawValue: UInt16(truncatingIfNeeded: word &>> 22) & 0x3ff) }
  /// Header and payload, rounded up to 8.
  @inlinable @inline(__always) public var footprint: UInt64 { Self.footprint(length) }
  @inlinable @inline(__always) public static func footprint(_ length: UInt64) -> UInt64 { (length &+ 15) & ~7 }
}

/// What a record's payload is: the signal (an OTLP message type) and the instrumentation scope it belongs to.
public struct RecordTag: Equatable {
  public let rawValue: UInt16

  @inlinable @inline(__always)
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  @inlinable @inline(__always)
  public init(_ signal: Signal, scope: ScopeID) { rawValue = UInt16(signal.rawValue) | UInt16(scope.rawValue) &<< 2 }

  public var signal: Signal? { Signal(rawValue: UInt8(truncatingIfNeeded: rawValue & 3)) }
  public var scope: ScopeID? { ScopeID(rawValue: UInt8(truncatingIfNeeded: rawValue &>> 2)) }
}

public enum Signal: UInt8 { case traces = 0, metrics, logs }

/// The instrumentation scopes of built-in instrumentations. The numbers are part of the region's layout.
public enum ScopeID: UInt8 {
  case curl = 1
  case sockets = 2
  case dns = 3

  /// `InstrumentationScope.name`.
  public var name: StaticString {
    switch self {
    case .curl: "otelagent.instrumentation.curl"
    case .sockets: "otelagent.instrumentation.sockets"
    case .dns: "otelagent.instrumentation.dns"
    }
  }
}
