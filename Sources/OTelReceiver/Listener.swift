import COTelShims
import Glibc

/// The socket at which processes find the relay.
package final class Listener {
  package enum Peers: Equatable {
    /// Only processes of the relay's own user.
    case own
    /// Everybody: a relay of the whole system, or one at a path whose directory decides.
    case any
  }

  package let peers: Peers
  /// As people write it: a path, or '@' and an abstract name.
  package let name: String
  package private(set) var descriptor: Int32
  private var lock: Int32

  /// - Parameter lock: beside the socket's path; -1 for an abstract name.
  package init(descriptor: Int32, lock: Int32, peers: Peers) {
    self.descriptor = descriptor
    self.lock = lock
    self.peers = peers
    // A relay waits for nobody, also when whoever made the socket forgot to say so.
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    name = Self.address(of: descriptor)
  }

  deinit { close() }

  /// Takes `rendezvous`. Throws `RendezvousError` when another relay has it.
  package convenience init(at rendezvous: Rendezvous, peers: Peers) throws(RendezvousError) {
    let listener = try rendezvous.listen()
    self.init(descriptor: listener.socket, lock: listener.lock, peers: peers)
    // The directory decides who may come (relay of the system, sidecar).
    if peers == .any, name.hasPrefix("/") { chmod(name, 0o666) }
  }

  /// Whether the descriptor is a listening socket of the right type.
  package var isListening: Bool {
    var value: Int32 = 0
    var size = socklen_t(4)
    guard getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0, value != 0 else { return false }
    return getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &value, &size) == 0 && value == Int32(SOCK_SEQPACKET.rawValue)
  }

  package enum Accepted {
    case connection(Connection)
    case nobody
    /// No descriptor is left.
    case exhausted
  }

  package func accept(now: UInt64) -> Accepted {
    guard descriptor >= 0 else { return .nobody }
    let flags = Int(SOCK_CLOEXEC.rawValue) | Int(SOCK_NONBLOCK.rawValue)
    while true {
      let accepted = otel_syscall6(Int(SYS_accept4), Int(descriptor), 0, 0, flags, 0, 0)
      if accepted >= 0 { return .connection(Connection(Int32(accepted), acceptedAt: now)) }
      switch Int32(-accepted) {
      case ECONNABORTED, EINTR: continue
      case EMFILE, ENFILE, ENOMEM, ENOBUFS: return .exhausted
      default: return .nobody
      }
    }
  }

  /// Lets nobody in any more. Who is in the queue already can still be accepted; who comes now is refused, and knows it: a listening
  /// socket that was shut down answers connect(2) with ECONNREFUSED.
  package func refuseNewcomers() {
    guard descriptor >= 0 else { return }
    // Before the socket refuses, so that the path never names a refusing socket for longer than this; the lock is still ours.
    if name.hasPrefix("/"), lock >= 0 { unlink(name) }
    shutdown(descriptor, Int32(SHUT_RD))
  }

  package func close() {
    if descriptor >= 0 { Glibc.close(descriptor) }
    // Last: from here another relay may take the place.
    if lock >= 0 { Glibc.close(lock) }
    (descriptor, lock) = (-1, -1)
  }

  private static func address(of descriptor: Int32) -> String {
    var address = sockaddr_un()
    var size = socklen_t(MemoryLayout<sockaddr_un>.size)
    let result = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
    }
    guard result == 0, size > 2 else { return "" }
    return withUnsafeBytes(of: address.sun_path) { bytes in
      let path = bytes.prefix(Int(size) - 2)
      if path.first == 0 { return "@" + String(decoding: path.dropFirst(), as: UTF8.self) }
      return String(decoding: path.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
