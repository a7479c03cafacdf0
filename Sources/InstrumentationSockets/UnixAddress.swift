import COTelHookABI
import COTelShims
import OTelPrimitives

/// The name in an AF_UNIX socket address, unix(7).
enum UnixAddress {
  /// Bytes that `with` takes of the stack: `sun_path`.
  private static var capacity: Int { 108 }

  /// Calls `body` with the path, or with an abstract name behind "@", as ss(8) shows it. False: there is none, or the address is another family's.
  /// - Parameter address: the kernel has read it.
  @inline(__always)
  static func with(_ address: UnsafePointer<sockaddr>, length: UInt32, _ body: (Text) -> Void) -> Bool {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: capacity) { buffer in
      guard let start = buffer.baseAddress else { return false }
      let count = copy(address, Int(length), to: start)
      if count > 0 { body(Text(start, count: count)) }
      return count > 0
    }
  }

  @inline(never)
  private static func copy(_ address: UnsafePointer<sockaddr>, _ length: Int, to target: UnsafeMutablePointer<UInt8>) -> Int {
    // Other lengths the kernel refuses (net/unix/af_unix.c, unix_validate_addr).
    guard length > 2, length <= capacity &+ 2, UnsafeRawPointer(address).loadUnaligned(as: sa_family_t.self) == sa_family_t(AF_UNIX) else { return 0 }
    let name = UnsafeRawPointer(address) + 2
    let isAbstract = name.load(as: UInt8.self) == 0
    let size = length &- 2
    let count = isAbstract ? size : strnlen(name.assumingMemoryBound(to: CChar.self), size)
    memcpy(target, name, count)
    var index = 0
    while isAbstract, index < count {
      if target[index] == 0 { target[index] = 0x40 }
      index &+= 1
    }
    return count
  }
}
