public import COTelHookABI
import COTelShims
import OTelPrimitives

/// Records of easy handles, by address. Static memory, open addressing, no lock: an entry is claimed and freed by one store, and
/// otherwise belongs to whoever uses the handle.
public struct EasyHandleTable {
  private static var capacity: Int { Int(OTEL_CURL_STORAGE) / Int(OTEL_CURL_HANDLE_SIZE) }
  private static var probes: Int { 32 }
  private static var free: UInt64 { 0 }
  private static var used: UInt64 { 1 }

  @inline(__always)
  private static func record(_ index: Int) -> UnsafeMutablePointer<otel_curl_handle> {
    (otel_curl_storage() + (index & (capacity &- 1)) &* Int(OTEL_CURL_HANDLE_SIZE)).assumingMemoryBound(to: otel_curl_handle.self)
  }

  @inline(__always)
  private static func key(_ handle: UnsafeMutableRawPointer) -> UInt64 { UInt64(truncatingIfNeeded: UInt(bitPattern: handle)) }

  @inline(__always)
  private static func start(_ key: UInt64) -> Int { Int(truncatingIfNeeded: (key &>> 4) &* 0x9e37_79b9_7f4a_7c15 &>> 40) }

  /// The record of `handle`, or nil when it is not known.
  @inline(__always)
  public static func find(_ handle: UnsafeMutableRawPointer) -> EasyHandle? {
    let key = key(handle)
    var index = start(key)
    let end = index &+ probes
    while index < end {
      let candidate = record(index)
      let found = SharedWord(UnsafeMutableRawPointer(candidate)).loadAcquiring()
      if found == key { return EasyHandle(candidate) }
      if found == free { return nil }
      index &+= 1
    }
    return nil
  }

  /// A cleared record for a new `handle`; nil when the table is full there.
  public static func insert(_ handle: UnsafeMutableRawPointer, library: UnsafePointer<otel_curl_library>) -> EasyHandle? {
    let key = key(handle)
    // Cleaned up where we did not see it, and the address given out again.
    if let stale = find(handle) {
      stale.clear()
      stale.record.pointee.library = library
      return stale
    }
    var index = start(key)
    let end = index &+ probes
    while index < end {
      let candidate = record(index)
      let word = SharedWord(UnsafeMutableRawPointer(candidate))
      let found = word.load()
      if found == free || found == used, word.replace(found, with: key) == nil {
        let handle = EasyHandle(candidate)
        handle.clear()
        candidate.pointee.library = library
        return handle
      }
      index &+= 1
    }
    return nil
  }

  public static func remove(_ handle: UnsafeMutableRawPointer) {
    guard let found = find(handle) else { return }
    // Not "free": a longer chain may lead over it.
    SharedWord(UnsafeMutableRawPointer(found.record)).storeReleasing(used)
  }
}
