public import COTelHookABI
import COTelShims
import OTelPrimitives

/// An AF_INET or AF_INET6 socket address as text, without inet_ntop: that one is libc's, and not async-signal-safe.
///
/// IPv6 as RFC 5952 writes it; a scope id is appended as its number ("%2"): names would need a system call.
public struct PeerAddress {
  /// Longest text: "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255%4294967295".
  public static let capacity = 64

  public let count: Int
  public let port: Int
  public let isIPv6: Bool

  /// Writes the address at `target` (`capacity` bytes). Nil for another family, or a length that no address has; then nothing is read.
  public init?(_ address: UnsafePointer<sockaddr>, length: UInt32, to target: UnsafeMutablePointer<UInt8>) {
    // Without a look at the address: the kernel refuses other lengths without one (net/socket.c, move_addr_to_kernel).
    guard length >= 16, length <= 128 else { return nil }
    let raw = UnsafeRawPointer(address)
    let family = raw.loadUnaligned(as: sa_family_t.self)
    if family == sa_family_t(AF_INET) {
      isIPv6 = false
      port = Int(UInt16(bigEndian: raw.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
      count = Self.writeIPv4(raw + 4, to: target)
      return
    }
    guard family == sa_family_t(AF_INET6), length >= 24 else { return nil }
    isIPv6 = true
    port = Int(UInt16(bigEndian: raw.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
    var next = Self.writeIPv6(raw + 8, to: target)
    let scope = length >= 28 ? raw.loadUnaligned(fromByteOffset: 24, as: UInt32.self) : 0
    if scope != 0 {
      target[next] = 0x25
      next = next &+ 1 &+ Decimal.write(UInt64(scope), to: target + next + 1)
    }
    count = next
  }

  /// Writes the `count` bytes of an address of `family` at `target` (`capacity` bytes), and returns how many that are. Nil for another family.
  public static func write(_ bytes: UnsafeRawPointer, family: Int32, count: Int32, to target: UnsafeMutablePointer<UInt8>) -> Int? {
    if family == AF_INET, count == 4 { return writeIPv4(bytes, to: target) }
    if family == AF_INET6, count == 16 { return writeIPv6(bytes, to: target) }
    return nil
  }

  private static func writeIPv4(_ bytes: UnsafeRawPointer, to target: UnsafeMutablePointer<UInt8>) -> Int {
    var next = 0
    var index = 0
    while index < 4 {
      if index > 0 {
        target[next] = 0x2e
        next &+= 1
      }
      next &+= Decimal.write(UInt64(bytes.load(fromByteOffset: index, as: UInt8.self)), to: target + next)
      index &+= 1
    }
    return next
  }

  private static func group(_ bytes: UnsafeRawPointer, _ index: Int) -> UInt16 {
    UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: index &* 2, as: UInt16.self))
  }

  private static func writeIPv6(_ bytes: UnsafeRawPointer, to target: UnsafeMutablePointer<UInt8>) -> Int {
    // The longest run of at least two zero groups becomes "::"; of equal ones the first.
    var bestStart = -1
    var bestCount = 1
    var index = 0
    while index < 8 {
      var run = 0
      while index &+ run < 8, group(bytes, index &+ run) == 0 { run &+= 1 }
      if run > bestCount { (bestStart, bestCount) = (index, run) }
      index &+= run > 0 ? run : 1
    }
    var next = 0
    func put(_ byte: UInt8) {
      target[next] = byte
      next &+= 1
    }
    let isMapped = bestStart == 0 && bestCount == 5 && group(bytes, 5) == 0xffff
    index = 0
    while index < 8 {
      if index == bestStart {
        put(0x3a)
        put(0x3a)
        index &+= bestCount
        continue
      }
      if index > 0, index != bestStart &+ bestCount || bestStart < 0 { put(0x3a) }
      if isMapped, index == 6 {
        next &+= writeIPv4(bytes + 12, to: target + next)
        return next
      }
      let value = group(bytes, index)
      var shift: UInt16 = 12
      var started = false
      while true {
        let digit = UInt8(truncatingIfNeeded: value &>> shift) & 0xf
        if digit != 0 || started || shift == 0 {
          put(digit < 10 ? 0x30 &+ digit : 0x57 &+ digit)
          started = true
        }
        if shift == 0 { break }
        shift &-= 4
      }
      index &+= 1
    }
    return next
  }
}
