import COTelShims
import Glibc
import OTelConfiguration
import OTelPrimitives

package enum RendezvousError: Error, Equatable {
  case taken(String)
  case failed(String, Int32)

  package var description: String {
    switch self {
    case .taken(let name): "another relay listens at \(name) already; `otel-relay status` shows what it does."
    case .failed(let name, let code): "listening at \(name) failed: \(String(cString: strerror(code)))."
    }
  }
}

/// A place where processes and their relay meet: `otel_rendezvous.h` in Swift.
package struct Rendezvous {
  private var address: otel_rendezvous

  package var name: String { withUnsafeBytes(of: address.path) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) } }

  private init(_ address: otel_rendezvous) { self.address = address }

  /// This user's, in these name spaces. Nil when there is none (no /proc, or a path that is too long).
  package static func own(environment: [String: String]) -> Rendezvous? { make(OTEL_RELAY_AUTO, path: nil, environment["XDG_RUNTIME_DIR"]) }

  /// The socket at `path`, which is absolute. Nil when it is too long for an address: more than 107 bytes.
  package static func path(_ path: String) -> Rendezvous? { make(OTEL_RELAY_PATH, path: path, nil) }

  package static var system: Rendezvous {
    var address = otel_rendezvous()
    otel_rendezvous_system(&address)
    return Rendezvous(address)
  }

  private static func make(_ mode: otel_relay_mode, path: String?, _ runtimeDirectory: String?) -> Rendezvous? {
    func with<R>(_ string: String?, _ body: (UnsafePointer<CChar>?) -> R) -> R { string.map { $0.withCString(body) } ?? body(nil) }
    var address = otel_rendezvous()
    let result = with(path) { path in
      with(runtimeDirectory) { directory in
        var environment = otel_rendezvous_environment(mode: mode, path: path, runtime_directory: directory)
        return otel_rendezvous_private(&environment, &address)
      }
    }
    return result == 0 ? Rendezvous(address) : nil
  }

  /// Where a process with this environment looks for a relay, in its order.
  package static func candidates(environment: [String: String]) -> [Rendezvous] {
    if let path = chosenPath(environment) { return [self.path(path)].compactMap { $0 } }
    return [own(environment: environment), system].compactMap { $0 }
  }

  private static func chosenPath(_ environment: [String: String]) -> String? {
    var value = environment["OTEL_NATIVE_RELAY"] ?? ""
    return value.withUTF8 { bytes in
      guard let start = bytes.baseAddress, case .path(let path) = RelayChoice(Text(start, count: bytes.count)) else { return nil }
      return String(path)
    }
  }

  func listen() throws(RendezvousError) -> otel_listener {
    var listener = otel_listener()
    var address = self.address
    let result = otel_rendezvous_listen(&address, &listener)
    guard result == 0 else { throw result == -EADDRINUSE ? .taken(name) : .failed(name, -result) }
    return listener
  }

  /// Connects. The descriptor, which is the caller's to close, or nil when nobody is there who may be talked to.
  package func connect() -> Int32? {
    var address = self.address
    let descriptor = otel_rendezvous_connect(&address)
    return descriptor >= 0 ? descriptor : nil
  }
}
