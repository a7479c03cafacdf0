@preconcurrency import Glibc
import COTelShims
import OTelInspection

/// Asks the relay that a program would find how it is, and starts none.
enum RelayProbe {
  enum Answer: Equatable {
    /// Where it listens, and the first line of its status.
    case running(place: ByteString, status: String)
    /// It listens there, and says nothing in time.
    case silent(place: ByteString)
    /// Nobody listens at any of these.
    case nobody([ByteString])
  }

  static func ask(_ rendezvous: Rendezvous, milliseconds: Int32 = 3000) -> Answer {
    var names: [ByteString] = []
    for var place in rendezvous.places() {
      let name = name(of: place)
      names.append(name)
      let relay = otel_rendezvous_connect(&place)
      // A full queue has somebody at its other end, who does not take from it.
      if relay == -EAGAIN { return .silent(place: name) }
      guard relay >= 0 else { continue }
      defer { close(relay) }
      guard otel_message_send(relay, OTEL_MESSAGE_STATUS, -1) == 0, let packet = receive(relay, milliseconds) else { return .silent(place: name) }
      let line = packet.prefix { $0 != 0x0a }
      return .running(place: name, status: String(decoding: line, as: UTF8.self))
    }
    return .nobody(names)
  }

  private static func receive(_ relay: Int32, _ milliseconds: Int32) -> [UInt8]? {
    var request = pollfd(fd: relay, events: Int16(POLLIN), revents: 0)
    guard poll(&request, 1, milliseconds) > 0 else { return nil }
    let packet = [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
      count = max(0, recv(relay, buffer.baseAddress, 1 << 16, Int32(MSG_DONTWAIT)))
    }
    return packet.isEmpty ? nil : packet
  }

  private static func name(of place: otel_rendezvous) -> ByteString {
    withUnsafeBytes(of: place.path) { ByteString($0.prefix { $0 != 0 }) }
  }
}
