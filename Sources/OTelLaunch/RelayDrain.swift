@preconcurrency import Glibc
import COTelShims

/// Waits until the relay has exported what the program left.
package enum RelayDrain {
  /// Returns when the relay has answered, when there is none, or after `milliseconds`.
  ///
  /// Needed where the relay ends with us: with the first process of a pid name space, all others in it are killed.
  package static func wait(_ environment: Environment, milliseconds: UInt64) {
    guard milliseconds > 0, let rendezvous = Rendezvous(environment) else { return }
    let relay = rendezvous.connect()
    guard relay >= 0 else { return }
    defer { close(relay) }
    guard otel_message_send(relay, OTEL_MESSAGE_DRAIN, -1) == 0 else { return }

    let deadline = now() + min(milliseconds, 0x7fff_ffff)
    while true {
      let time = now()
      guard time < deadline else { return }
      var request = pollfd(fd: relay, events: Int16(POLLIN), revents: 0)
      let ready = poll(&request, 1, Int32(deadline - time))
      if ready < 0, errno == EINTR { continue }
      guard ready > 0 else { return }
      // One packet, or the end of the connection: both say that the relay has nothing left to do for us.
      var answer = (UInt64(0), UInt64(0))
      if recv(relay, &answer, MemoryLayout.size(ofValue: answer), Int32(MSG_DONTWAIT)) >= 0 { return }
      if errno != EAGAIN && errno != EINTR { return }
    }
  }

  private static func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1000 + UInt64(time.tv_nsec) / 1_000_000
  }
}
