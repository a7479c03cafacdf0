public import OTelPrimitives

/// The host's view of a region's words that are not the ring's.
public struct HostRegion {
  public let region: UnsafeMutableRawPointer

  @inlinable @inline(__always)
  public init(region: UnsafeMutableRawPointer) { self.region = region }

  /// A word that the relay writes with its complement behind it. Nil while the two do not match: its pwrite need not be atomic.
  private func relayWord(_ offset: Int) -> UInt64? {
    let complement = SharedWord(region + offset + 8).loadAcquiring()
    let value = SharedWord(region + offset).loadAcquiring()
    return value == ~complement ? value : nil
  }

  public var relayState: UInt64 { relayWord(Layout.relayStateOffset) ?? RelayState.none }
  /// Position before which the relay has read everything.
  public var read: UInt64? { relayWord(Layout.readOffset) }
  /// Position before which everything was exported or given up by the relay.
  public var exported: UInt64 { relayWord(Layout.exportedOffset) ?? 0 }
  /// The relay's monotonic clock when it last said that it lives; 0: never.
  public var heartbeat: UInt64 { relayWord(Layout.heartbeatOffset) ?? 0 }

  public var superseded: SharedWord { SharedWord(region + Layout.supersededOffset) }

  @inline(__always)
  public func drops(_ reason: DropReason) -> SharedWord { SharedWord(region + (Layout.dropsOffset &+ reason.rawValue &* 8)) }

  @inline(__always)
  public func count(_ reason: DropReason) { drops(reason).add(1) }
}
