import COTelHookABI
import Glibc
import OTelInstrumentation

/// A socket address of the input's length, against inet_ntop(3).
func peer(_ input: UnsafeRawBufferPointer) {
  guard input.count >= 2, input.count <= 200 else { return }
  let address = input.baseAddress!.assumingMemoryBound(to: sockaddr.self)
  var found: PeerAddress?
  let text = written(PeerAddress.capacity) { target in
    found = PeerAddress(address, length: UInt32(input.count), to: target)
    return found?.count ?? 0
  }
  let family = Int32(input.loadUnaligned(as: sa_family_t.self))
  let isIPv6 = family == AF_INET6
  let isKnown = input.count <= 128 && (family == AF_INET && input.count >= 16 || isIPv6 && input.count >= 24)
  check((found != nil) == isKnown, "\(input.count) bytes of family \(family)")
  guard let found else { return }
  checkEqual(found.isIPv6, isIPv6)
  checkEqual(found.port, Int(input[2]) << 8 | Int(input[3]))
  let bytes = Array(input[(isIPv6 ? 8 : 4)..<(isIPv6 ? 24 : 8)])
  var expected = [CChar](repeating: 0, count: 64)
  _ = inet_ntop(family, bytes, &expected, 64)
  let parts = text.split(separator: 0x25, omittingEmptySubsequences: false)
  let shown = String(decoding: parts[0], as: UTF8.self)
  let scope = isIPv6 && input.count >= 28 ? input.loadUnaligned(fromByteOffset: 24, as: UInt32.self) : 0
  checkEqual(parts.count > 1 ? String(decoding: parts[1], as: UTF8.self) : "0", String(scope), "the scope")
  // glibc writes the "IPv4-compatible" addresses of old with dots, which RFC 5952 does not.
  let isCompatible = isIPv6 && bytes.prefix(12).allSatisfy { $0 == 0 }
  if !isCompatible { checkEqual(shown, String(decoding: expected.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)) }
  var back = [UInt8](repeating: 0, count: bytes.count)
  check(inet_pton(family, shown, &back) == 1 && back == bytes, "\(shown) is another address")
}
