public import OTelPrimitives

/// The services that run at hosts, as the user tells them: `host=name,host:port=name`. Case does not count in hosts.
public struct PeerServices {
  private let list: Text

  /// - Parameter list: borrowed.
  public init(_ list: Text) { self.list = list }

  /// `service.peer.name` of a server; nil when it was not told. An entry with the port comes before one without; of two alike the first counts.
  public func name(of host: Text, port: Int) -> Text? {
    var anyPort: Text?
    var items = ListItems(list)
    while let item = items.next() {
      guard let equals = item.firstIndex(of: 0x3d), let server = HostAndPort(item.slice(0, equals).trimmed), server.host.equalsIgnoringCase(host)
      else { continue }
      let name = item.from(equals &+ 1).trimmed
      guard !name.isEmpty else { continue }
      if server.port == port { return name }
      if server.port == 0, anyPort == nil { anyPort = name }
    }
    return anyPort
  }
}
