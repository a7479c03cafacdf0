import Glibc
import OTelExport
import OTelReceiver
import OTelRelay

/// A relay that a process started because it found none: the listener is inherited, the place is elected, and nobody looks at its
/// standard error.
enum InheritedRelay {
  static func run(isLocked: Bool) -> Never {
    Inheritance.undo(isLocked: isLocked)
    let environment = environmentVariables()
    let log = RelayLog(
      path: RelayLog.defaultPath(environment: environment), level: RelayLog.Level(named: environment["OTEL_LOG_LEVEL"]), echoes: false)
    let listener = Listener(descriptor: Inheritance.listener, lock: isLocked ? Inheritance.lock : -1, peers: .own)
    guard listener.isListening else { fail("descriptor \(Inheritance.listener) is no listening socket: --inherited is for otelagent's own use", log) }
    guard let relay = makeRelay(listener: listener, log: log, leavesWhenIdle: true) else { fail("libcurl could not be started", log) }
    relay.run()
    exit(0)
  }

  /// Ends, but not at once: as long as the listener is open nobody starts another relay, which would fail the same way.
  private static func fail(_ text: String, _ log: RelayLog) -> Never {
    log.error("relay cannot start: \(text)")
    sleep(1)
    exit(1)
  }
}

/// Nil when libcurl cannot be started.
func makeRelay(listener: Listener, log: RelayLog, leavesWhenIdle: Bool) -> Relay? {
  guard let engine = TransferEngine() else { return nil }
  return Relay(listener: listener, options: Relay.Options(leavesWhenIdle: leavesWhenIdle), engine: engine, log: log) { options in
    OTLPHTTPExporter(options, userAgent: Product.userAgent, engine: engine)
  }
}
