@preconcurrency import Glibc
package import COTelShims
import OTelConfiguration
import OTelInspection
import OTelPrimitives

/// Where the relay of a program with a given environment is, for calls into C.
package struct Rendezvous {
  private let mode: otel_relay_mode
  private let path: ByteString?
  private let runtimeDirectory: ByteString?

  /// nil: the environment says that there is none (`OTEL_NATIVE_RELAY=off`).
  package init?(_ environment: Environment) {
    let choice: (otel_relay_mode, ByteString?) = environment.withBlock { block in
      switch block.value("OTEL_NATIVE_RELAY").flatMap({ RelayChoice($0) }) ?? .automatic {
      case .automatic: (OTEL_RELAY_AUTO, nil)
      case .path(let path): (OTEL_RELAY_PATH, ByteString(path))
      case .external: (OTEL_RELAY_EXTERNAL, nil)
      case .start: (OTEL_RELAY_START, nil)
      case .off: (OTEL_RELAY_OFF, nil)
      }
    }
    guard choice.0 != OTEL_RELAY_OFF else { return nil }
    (mode, path) = choice
    runtimeDirectory = environment["XDG_RUNTIME_DIR"].flatMap { $0.isEmpty ? nil : $0 }
  }

  /// The strings in it are valid during `body`.
  package func withEnvironment<Result>(_ body: (otel_rendezvous_environment) -> Result) -> Result {
    (path ?? "").withCString { path in
      (runtimeDirectory ?? "").withCString { directory in
        body(
          otel_rendezvous_environment(
            mode: mode, path: self.path == nil ? nil : path, runtime_directory: runtimeDirectory == nil ? nil : directory))
      }
    }
  }

  /// Connects to the relay: the user's own, else the one that serves all users. Returns a descriptor or -errno.
  package func connect() -> Int32 {
    var result = -ENOENT
    for var place in places() {
      result = otel_rendezvous_connect(&place)
      if result >= 0 { break }
    }
    return result
  }

  /// Where a relay may listen, in the order of looking.
  package func places() -> [otel_rendezvous] {
    var places: [otel_rendezvous] = []
    var own = otel_rendezvous()
    let result = withEnvironment { environment in
      withUnsafePointer(to: environment) { otel_rendezvous_private($0, &own) }
    }
    if result == 0 { places.append(own) }
    if mode != OTEL_RELAY_PATH {
      var system = otel_rendezvous()
      otel_rendezvous_system(&system)
      places.append(system)
    }
    return places
  }
}
