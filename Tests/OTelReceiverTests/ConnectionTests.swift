import COTelShims
import Glibc
import Testing

@testable import OTelReceiver

@Suite struct ConnectionTests {
  /// What a relay makes of a region's message with so many descriptors.
  private func received(_ count: Int) throws -> Connection.Message? {
    var pair: [Int32] = [0, 0]
    // SOCK_SEQPACKET | SOCK_CLOEXEC
    try #require(socketpair(AF_UNIX, 5 | 0o2000000, 0, &pair) == 0)
    defer { close(pair[1]) }
    var payload = otel_message(magic: UInt32(OTEL_MESSAGE_MAGIC), version: UInt16(OTEL_LAYOUT_MAJOR), kind: UInt16(OTEL_MESSAGE_REGION.rawValue))
    var control = [UInt64](repeating: 0, count: 8)
    control[0] = UInt64(16 + count * 4)
    control[1] = UInt64(UInt32(SOL_SOCKET)) | UInt64(SCM_RIGHTS) << 32
    let sent = control.withUnsafeMutableBytes { room in
      for index in 0..<count { room.storeBytes(of: pair[1], toByteOffset: 16 + index * 4, as: Int32.self) }
      return withUnsafeMutableBytes(of: &payload) { payload in
        var vector = iovec(iov_base: payload.baseAddress, iov_len: payload.count)
        return withUnsafeMutablePointer(to: &vector) { vector in
          var header = msghdr()
          header.msg_iov = vector
          header.msg_iovlen = 1
          header.msg_control = room.baseAddress
          header.msg_controllen = 16 + count * 4
          return sendmsg(pair[1], &header, 0)
        }
      }
    }
    try #require(sent == 8)
    return Connection(pair[0], acceptedAt: 0).receive()
  }

  @Test func aRegionHasOneDescriptorOrTwo() throws {
    for count in 1...2 {
      guard case .region(let first, let second) = try received(count) else { Issue.record("\(count) descriptors are refused"); continue }
      #expect((second != nil) == (count == 2))
      close(first)
      if let second { close(second) }
    }
  }

  /// recvmsg(2) hands over as many as there is room for: a third one must not pass unseen.
  @Test(arguments: 3...5) func moreAreRefused(_ count: Int) throws {
    guard case .invalid(let why) = try received(count) else { Issue.record("\(count) descriptors are taken"); return }
    #expect(why == "it has more than two descriptors")
  }
}
