import Glibc
import OTelInstrumentation
import OTelTestSupport
import Testing

@Suite struct PeerAddressTests {
  private struct Peer: Equatable {
    var text: String
    var port: Int
    var isIPv6: Bool
  }

  private func peer(_ bytes: [UInt8], length: Int? = nil) -> Peer? {
    var output = [UInt8](repeating: 0x21, count: PeerAddress.capacity + 8)
    return bytes.withUnsafeBytes { source in
      // Any alignment: programs keep addresses wherever they like.
      let memory = UnsafeMutableRawPointer.allocate(byteCount: 160, alignment: 16)
      defer { memory.deallocate() }
      let address = memory + 1
      address.copyMemory(from: source.baseAddress!, byteCount: source.count)
      return output.withUnsafeMutableBufferPointer { buffer in
        let found = PeerAddress(
          UnsafePointer(OpaquePointer(address)), length: UInt32(length ?? bytes.count), to: buffer.baseAddress!)
        guard let found else { return nil }
        #expect(found.count <= PeerAddress.capacity)
        #expect(buffer[found.count...].allSatisfy { $0 == 0x21 })
        return Peer(text: String(decoding: buffer[..<found.count], as: UTF8.self), port: found.port, isIPv6: found.isIPv6)
      }
    }
  }

  private func ipv4(_ octets: [UInt8], port: UInt16) -> [UInt8] {
    [UInt8(AF_INET), 0, UInt8(port >> 8), UInt8(port & 0xff)] + octets + [UInt8](repeating: 0, count: 8)
  }

  private func ipv6(_ octets: [UInt8], port: UInt16, scope: UInt32 = 0) -> [UInt8] {
    [UInt8(AF_INET6), 0, UInt8(port >> 8), UInt8(port & 0xff), 1, 2, 3, 4] + octets
      + (0..<4).map { UInt8(truncatingIfNeeded: scope >> (8 * UInt32($0))) }
  }

  private func octets(_ text: String) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 16)
    #expect(inet_pton(AF_INET6, text, &bytes) == 1)
    return bytes
  }

  private func libcText(_ family: Int32, _ octets: [UInt8]) -> String {
    var text = [CChar](repeating: 0, count: 64)
    _ = inet_ntop(family, octets, &text, 64)
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  // RFC 5952, sections 4 and 5.
  @Test(arguments: [
    "::", "::1", "1::", "2001:db8::1", "2001:db8:0:1:1:1:1:1", "2001:0:0:1::1", "2001:db8::1:0:0:1", "::ffff:192.0.2.1", "::ffff:0.0.0.0", "fe80::1",
    "1:2:3:4:5:6:7:8", "0:1::", "::1:0:0", "0:1:0:1:0:1:0:1", "1:0:1:0:1:0:1:0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::ffff:0:0:1", "::2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7::", "::1:2",
  ])
  func canonical(_ text: String) throws {
    let found = try #require(peer(ipv6(octets(text), port: 443)))
    // inet_pton reads "::2:3…" too; the canonical text of one zero group is "0".
    let expected = ["::2:3:4:5:6:7:8": "0:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::": "1:2:3:4:5:6:7:0", "2001:0:0:1::1": "2001:0:0:1::1"][text] ?? text
    #expect(found == Peer(text: expected, port: 443, isIPv6: true))
  }

  @Test func asLibcWritesIt() throws {
    var generator = SeededGenerator(seed: 3)
    for round in 0..<4000 {
      var bytes = (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) }
      // Zero groups, small groups, IPv4-mapped.
      for group in 0..<8 where Int.random(in: 0..<3, using: &generator) != 0 {
        bytes[2 * group] = 0
        if Bool.random(using: &generator) { bytes[2 * group + 1] = 0 }
      }
      if round % 10 == 0 { bytes.replaceSubrange(0..<12, with: [UInt8](repeating: 0, count: 10) + [0xff, 0xff]) }
      let port = UInt16.random(in: 0...(.max), using: &generator)
      let four = Array(bytes[12...])
      #expect(peer(ipv4(four, port: port)) == Peer(text: libcText(AF_INET, four), port: Int(port), isIPv6: false))
      // glibc writes the deprecated IPv4-compatible form ("::0.1.0.2"), which RFC 5952, section 5, keeps for known prefixes.
      if bytes[..<12].allSatisfy({ $0 == 0 }) { continue }
      #expect(peer(ipv6(bytes, port: port)) == Peer(text: libcText(AF_INET6, bytes), port: Int(port), isIPv6: true))
    }
  }

  @Test(arguments: [(0, ""), (2, "%2"), (4_294_967_295, "%4294967295")] as [(UInt32, String)]) func scope(_ scope: UInt32, _ suffix: String) throws {
    #expect(try #require(peer(ipv6(octets("fe80::1"), port: 1, scope: scope))).text == "fe80::1" + suffix)
    let longest = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
    #expect(try #require(peer(ipv6(octets(longest), port: 1, scope: scope))).text == longest + suffix)
    // RFC 2133's structure ends before the scope.
    #expect(try #require(peer(ipv6(octets("fe80::1"), port: 1, scope: scope), length: 24)).text == "fe80::1")
  }

  @Test func otherAddresses() {
    #expect(peer(ipv4([1, 2, 3, 4], port: 1), length: 15) == nil)
    #expect(peer(ipv6(octets("::1"), port: 1), length: 23) == nil)
    #expect(peer([UInt8(AF_UNIX), 0] + [UInt8](repeating: 0x2f, count: 100)) == nil)
    #expect(peer([UInt8](repeating: 0, count: 28)) == nil)
  }

  /// connect(2) with such a length is EINVAL before the kernel has looked at the address: it may be anything.
  @Test(arguments: [0, 1, 2, 15, 129, 4096, UInt32.max]) func doesNotReadWhatTheKernelDidNot(_ length: UInt32) throws {
    let nowhere = try #require(UnsafePointer<sockaddr>(bitPattern: 1))
    var output = [UInt8](repeating: 0, count: PeerAddress.capacity)
    #expect(PeerAddress(nowhere, length: length, to: &output) == nil)
  }
}
