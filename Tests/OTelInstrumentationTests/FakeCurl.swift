import COTelHookABI
import Glibc

/// What a libcurl would know of one easy handle; its address is the handle's.
struct FakeEasyHandle {
  var responseCode = 0
  var totalMicroseconds: Int64 = 0
  var systemError = 0
  /// What else CURLINFO_… of a number or a time yields.
  var numbers: [Int32: Int64] = [:]
  /// CURLINFO_PRIMARY_IP; a C string that the test keeps.
  var peer: UnsafePointer<CChar>?
  /// CURLOPT_HTTPHEADER.
  var headers: UnsafeMutablePointer<otel_header_list>?
}

/// A libcurl of two functions: `curl_easy_setopt` for the header list, `curl_easy_getinfo` for what `FakeEasyHandle` has.
final class FakeCurl {
  let library = UnsafeMutablePointer<otel_curl_library>.allocate(capacity: 1)
  private var handles: [UnsafeMutablePointer<FakeEasyHandle>] = []

  init() {
    let raw = UnsafeMutableRawPointer(library)
    raw.initializeMemory(as: UInt8.self, repeating: 0, count: MemoryLayout<otel_curl_library>.size)
    // By place: Swift has no pointers to variadic functions. A pointer argument is passed to them like to any other function.
    let setopt: @convention(c) (UnsafeMutableRawPointer, Int32, UnsafeMutableRawPointer?) -> Int32 = { handle, option, value in
      guard option == Int32(OTEL_CURLOPT_HTTPHEADER) else { return 0 }
      handle.assumingMemoryBound(to: FakeEasyHandle.self).pointee.headers = value?.assumingMemoryBound(to: otel_header_list.self)
      return 0
    }
    let getinfo: @convention(c) (UnsafeMutableRawPointer, Int32, UnsafeMutableRawPointer) -> Int32 = { handle, info, value in
      let known = handle.assumingMemoryBound(to: FakeEasyHandle.self).pointee
      switch info {
      case Int32(OTEL_CURLINFO_RESPONSE_CODE): value.storeBytes(of: known.responseCode, as: Int.self)
      case Int32(OTEL_CURLINFO_OS_ERRNO): value.storeBytes(of: known.systemError, as: Int.self)
      case Int32(OTEL_CURLINFO_TOTAL_TIME_T): value.storeBytes(of: known.totalMicroseconds, as: Int64.self)
      case Int32(OTEL_CURLINFO_PRIMARY_IP): value.storeBytes(of: known.peer, as: UnsafePointer<CChar>?.self)
      default:
        guard let number = known.numbers[info] else { return 48 }  // CURLE_UNKNOWN_OPTION
        value.storeBytes(of: number, as: Int64.self)
      }
      return 0
    }
    // `base`, `end` and `number`, then OTEL_CURL_EASY and OTEL_CURL_CALLED.
    raw.storeBytes(of: setopt, toByteOffset: 7 * 8, as: type(of: setopt))
    raw.storeBytes(of: getinfo, toByteOffset: 9 * 8, as: type(of: getinfo))
  }

  deinit {
    for handle in handles {
      handle.deinitialize(count: 1)
      handle.deallocate()
    }
    library.deallocate()
  }

  func makeHandle() -> UnsafeMutablePointer<FakeEasyHandle> {
    let handle = UnsafeMutablePointer<FakeEasyHandle>.allocate(capacity: 1)
    handle.initialize(to: FakeEasyHandle())
    handles.append(handle)
    return handle
  }
}
