import COTelHookABI
import COTelShims

/// Records of multi handles that transfers were added to. One that cannot be kept is done without: then a transfer ends when that is
/// read, and not when it was.
///
/// libcurl forbids the use of one multi handle by two threads at once (libcurl-thread(3)), so that records need no lock.
struct MultiHandleTable {
  @inline(__always)
  private static var table: AddressTable {
    AddressTable(otel_curl_multi_storage(), capacity: Int(OTEL_CURL_MULTIS), recordSize: MemoryLayout<otel_curl_multi>.stride)
  }

  @inline(__always)
  static func find(_ multi: UnsafeMutableRawPointer) -> UnsafeMutablePointer<otel_curl_multi>? {
    table.find(multi)?.assumingMemoryBound(to: otel_curl_multi.self)
  }

  /// The record at `address`, which was found for `multi` some time ago, if it still is its.
  @inline(__always)
  static func entry(at address: UInt64, of multi: UnsafeMutableRawPointer) -> UnsafeMutablePointer<otel_curl_multi>? {
    guard let entry = UnsafeMutablePointer<otel_curl_multi>(bitPattern: UInt(truncatingIfNeeded: address)),
      entry.pointee.key == UInt64(truncatingIfNeeded: UInt(bitPattern: multi))
    else { return nil }
    return entry
  }

  /// The record of `multi`, made when it is not there.
  static func entry(
    _ multi: UnsafeMutableRawPointer, library: UnsafePointer<otel_curl_library>
  ) -> UnsafeMutablePointer<otel_curl_multi>? {
    if let known = find(multi) { return known }
    guard let made = table.claim(multi)?.assumingMemoryBound(to: otel_curl_multi.self) else { return nil }
    made.pointee.library = library
    made.pointee.changed = 0
    made.pointee.running = 0
    made.pointee.undriven = 0
    made.pointee.first_undriven = 0
    return made
  }

  static func remove(_ entry: UnsafeMutablePointer<otel_curl_multi>) { table.release(UnsafeMutableRawPointer(entry)) }
}
