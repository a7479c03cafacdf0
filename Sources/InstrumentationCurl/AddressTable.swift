import COTelShims
import OTelPrimitives

/// Records of fixed size, each known by the address in its first word. Static memory, open addressing, no lock: a record is claimed and
/// freed by one store, and otherwise belongs to whoever uses what is at that address.
struct AddressTable {
  /// Zeroed.
  let start: UnsafeMutableRawPointer
  /// A power of two.
  let capacity: Int
  let recordSize: Int

  private static var probes: Int { 32 }
  private static var free: UInt64 { 0 }
  private static var used: UInt64 { 1 }

  @inline(__always)
  init(_ start: UnsafeMutableRawPointer, capacity: Int, recordSize: Int) {
    self.start = start
    self.capacity = capacity
    self.recordSize = recordSize
  }

  @inline(__always)
  private func record(_ index: Int) -> UnsafeMutableRawPointer { start + (index & (capacity &- 1)) &* recordSize }

  @inline(__always)
  private func key(_ address: UnsafeMutableRawPointer) -> UInt64 { UInt64(truncatingIfNeeded: UInt(bitPattern: address)) }

  @inline(__always)
  private func first(_ key: UInt64) -> Int { Int(truncatingIfNeeded: (key &>> 4) &* 0x9e37_79b9_7f4a_7c15 &>> 40) }

  /// The record of `address`, or nil when it is not known.
  @inline(__always)
  func find(_ address: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
    let key = key(address)
    var index = first(key)
    let end = index &+ Self.probes
    while index < end {
      let candidate = record(index)
      let found = SharedWord(candidate).loadAcquiring()
      if found == key { return candidate }
      if found == Self.free { return nil }
      index &+= 1
    }
    return nil
  }

  /// A record for `address`, which has none. What is in it is the last owner's. Nil when the table is full there.
  @inline(__always)
  func claim(_ address: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
    if isFaulty("fault: table of handles has room") { return nil }
    let key = key(address)
    var index = first(key)
    let end = index &+ Self.probes
    while index < end {
      let candidate = record(index)
      let found = SharedWord(candidate).load()
      if found == Self.free || found == Self.used, SharedWord(candidate).replace(found, with: key) == nil { return candidate }
      index &+= 1
    }
    return nil
  }

  @inline(__always)
  func release(_ record: UnsafeMutableRawPointer) {
    // Not "free": a longer chain may lead over it.
    SharedWord(record).storeReleasing(Self.used)
  }
}
