import COTelShims
import Glibc

/// An accepted connection: one message is read from it, or a region and its process, or several of a parent's (`Message.child`).
package final class Connection {
  package enum Message {
    /// A descriptor said to be a region, and perhaps one of the files for https (`SealedFile`); the receiver's to close.
    case region(Int32, files: Int32?)
    /// A pidfd of the process whose region came before it; the receiver's to close.
    case process(Int32)
    case status(isJSON: Bool)
    case drain
    /// Of a child of the peer: its pid, and how it ended as waitpid(2) has it, or nil while it runs.
    case child(processID: Int32, status: Int32?)
    /// The peer only looked whether a relay is there.
    case nothing
    /// Not a message of this version; why.
    case invalid(String)
  }

  package let descriptor: Int32
  package let userID: UInt32
  package let processID: Int32
  package let acceptedAt: UInt64
  /// The region that came, as long as its process may still be introduced.
  package var region: AttachedRegion?

  init(_ descriptor: Int32, acceptedAt: UInt64) {
    self.descriptor = descriptor
    self.acceptedAt = acceptedAt
    // struct ucred: pid, uid, gid (unix(7), SO_PEERCRED): as of the connect(2), so that it holds also when the peer is gone.
    var credentials: (Int32, UInt32, UInt32) = (0, .max, .max)
    var size = socklen_t(12)
    getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size)
    processID = credentials.0
    userID = credentials.1
  }

  deinit { close(descriptor) }

  /// The message, or nil when it has not arrived yet.
  package func receive() -> Message? {
    var message = otel_child_message()
    var control = (UInt64(0), UInt64(0), UInt64(0))  // CMSG_SPACE(2 * sizeof(int)) bytes, aligned
    let (length, controlLength, flags) = withUnsafeMutableBytes(of: &message) { payload in
      withUnsafeMutableBytes(of: &control) { room in
        var vector = iovec(iov_base: payload.baseAddress, iov_len: payload.count)
        return withUnsafeMutablePointer(to: &vector) { vector in
          var header = msghdr()
          header.msg_iov = vector
          header.msg_iovlen = 1
          header.msg_control = room.baseAddress
          header.msg_controllen = room.count
          let length = recvmsg(descriptor, &header, Int32(MSG_DONTWAIT) | Int32(MSG_CMSG_CLOEXEC))
          return (length, header.msg_controllen, header.msg_flags)
        }
      }
    }
    if length < 0 { return errno == EAGAIN || errno == EINTR ? nil : .invalid(String(cString: strerror(errno))) }
    let descriptors = withUnsafeBytes(of: control) { Self.descriptors(UnsafeRawBufferPointer(rebasing: $0.prefix(controlLength))) }
    func refuse(_ why: String) -> Message {
      for descriptor in descriptors { close(descriptor) }
      return .invalid(why)
    }
    if length == 0, descriptors.isEmpty { return .nothing }
    let isOfChild = message.head.kind == UInt16(OTEL_MESSAGE_CHILD.rawValue)
    guard length == (isOfChild ? MemoryLayout<otel_child_message>.size : MemoryLayout<otel_message>.size), flags & Int32(MSG_TRUNC) == 0 else {
      return refuse("it has \(length) bytes")
    }
    // What does not fit into the room for two the kernel closes itself.
    guard flags & Int32(MSG_CTRUNC) == 0 else { return refuse("it has more than two descriptors") }
    guard message.head.magic == OTEL_MESSAGE_MAGIC else { return refuse("it is no message of an agent") }
    guard message.head.version == OTEL_LAYOUT_MAJOR else { return refuse("it is of layout \(message.head.version), this relay serves \(OTEL_LAYOUT_MAJOR)") }
    switch UInt32(message.head.kind) {
    case OTEL_MESSAGE_REGION.rawValue where (1...2).contains(descriptors.count):
      return .region(descriptors[0], files: descriptors.count == 2 ? descriptors[1] : nil)
    case OTEL_MESSAGE_PROCESS.rawValue where descriptors.count == 1: return .process(descriptors[0])
    case OTEL_MESSAGE_STATUS.rawValue where descriptors.isEmpty: return .status(isJSON: false)
    case OTEL_MESSAGE_STATUS_JSON.rawValue where descriptors.isEmpty: return .status(isJSON: true)
    case OTEL_MESSAGE_DRAIN.rawValue where descriptors.isEmpty: return .drain
    case OTEL_MESSAGE_CHILD.rawValue where descriptors.isEmpty && message.process_id > 0:
      return .child(processID: message.process_id, status: message.status == Int32(OTEL_CHILD_RUNS) ? nil : message.status)
    default: return refuse("kind \(message.head.kind) with \(descriptors.count) descriptors")
    }
  }

  /// The descriptors in a control message. CMSG_DATA and its kin are macros (cmsg(3)): a `cmsghdr` of 16 bytes, then the payload.
  private static func descriptors(_ control: UnsafeRawBufferPointer) -> [Int32] {
    guard control.count >= 16, control.load(fromByteOffset: 8, as: Int32.self) == SOL_SOCKET,
      control.load(fromByteOffset: 12, as: Int32.self) == Int32(SCM_RIGHTS)
    else { return [] }
    let length = min(control.load(as: Int.self), control.count)
    return stride(from: 16, to: length - 3, by: 4).map { control.load(fromByteOffset: $0, as: Int32.self) }
  }

  /// Sends `text` in packets; what the peer's queue does not take is not sent: a relay waits for nobody.
  package func send(_ text: String) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let packet = bytes.prefix(16 << 10)
      guard packet.withUnsafeBytes({ Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)) }) >= 0
      else { return }
      bytes = bytes.dropFirst(packet.count)
    }
  }

  /// The peer has closed its end.
  package var isGone: Bool {
    var byte: UInt8 = 0
    return recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT) | Int32(MSG_PEEK)) == 0
  }
}
