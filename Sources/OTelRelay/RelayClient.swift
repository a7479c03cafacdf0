import COTelShims
import Glibc
package import OTelReceiver

/// Asks a relay that runs.
package struct RelayClient {
  package enum Answer: Equatable {
    case text(String)
    /// Nobody listens at any of these.
    case nobody([String])
    /// Someone listens at this place and did not answer in time.
    case silent(String)
  }

  private let candidates: [Rendezvous]

  package init(environment: [String: String]) { candidates = Rendezvous.candidates(environment: environment) }
  package init(_ candidates: [Rendezvous]) { self.candidates = candidates }

  /// What `otel-relay status` prints.
  /// - Parameter milliseconds: longest wait for each packet.
  package func status(milliseconds: Int32 = 3000) -> Answer { ask(OTEL_MESSAGE_STATUS, milliseconds) }

  private func ask(_ kind: otel_message_kind, _ milliseconds: Int32) -> Answer {
    for candidate in candidates {
      guard let descriptor = candidate.connect() else { continue }
      defer { close(descriptor) }
      guard otel_message_send(descriptor, kind, -1) == 0, let text = read(descriptor, milliseconds), !text.isEmpty else { return .silent(candidate.name) }
      return .text(text)
    }
    return .nobody(candidates.map(\.name))
  }

  /// Packets up to the end of file; nil when the end does not come in time.
  private func read(_ descriptor: Int32, _ milliseconds: Int32) -> String? {
    var bytes: [UInt8] = []
    var packet = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let ready = poll(&entry, 1, milliseconds)
      if ready < 0, errno == EINTR { continue }
      guard ready > 0 else { return nil }
      let count = packet.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
      // A relay that was stopped in the middle of an answer resets the connection.
      guard count > 0 else { return count == 0 ? String(decoding: bytes, as: UTF8.self) : nil }
      bytes.append(contentsOf: packet[..<count])
    }
  }
}
