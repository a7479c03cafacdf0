public import COTelHookABI
import COTelShims

/// Records of easy handles.
public struct EasyHandleTable {
  @inline(__always)
  private static var table: AddressTable {
    AddressTable(otel_curl_storage(), capacity: Int(OTEL_CURL_STORAGE) / Int(OTEL_CURL_HANDLE_SIZE), recordSize: Int(OTEL_CURL_HANDLE_SIZE))
  }

  /// The record of `handle`, or nil when it is not known.
  @inline(__always)
  public static func find(_ handle: UnsafeMutableRawPointer) -> EasyHandle? {
    guard let record = table.find(handle) else { return nil }
    return EasyHandle(record.assumingMemoryBound(to: otel_curl_handle.self))
  }

  /// A record for a new `handle`, without options; nil when the table is full there. A transfer in it is one of a handle that was
  /// cleaned up where that was not seen, and whose address was given out again.
  public static func insert(_ handle: UnsafeMutableRawPointer, library: UnsafePointer<otel_curl_library>) -> EasyHandle? {
    guard let record = table.find(handle) ?? table.claim(handle) else { return nil }
    let easy = EasyHandle(record.assumingMemoryBound(to: otel_curl_handle.self))
    easy.clear()
    easy.record.pointee.library = library
    return easy
  }

  public static func remove(_ handle: UnsafeMutableRawPointer) {
    guard let record = table.find(handle) else { return }
    table.release(record)
  }

  /// The record with this index, in use or not.
  @inline(__always)
  static func record(_ index: Int) -> EasyHandle {
    let offset = (index & (Int(OTEL_CURL_HANDLES) &- 1)) &* Int(OTEL_CURL_HANDLE_SIZE)
    return EasyHandle((otel_curl_storage() + offset).assumingMemoryBound(to: otel_curl_handle.self))
  }

  @inline(__always)
  static func index(of easy: EasyHandle) -> Int {
    (UnsafeMutableRawPointer(easy.record) - UnsafeMutableRawPointer(otel_curl_storage())) / Int(OTEL_CURL_HANDLE_SIZE)
  }
}
