import ArgumentParser
import Glibc
import OTelReceiver
import OTelRelay

struct RelayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "otel-relay",
    abstract: "Sends what otelagent recorded in this machine's programs to an OpenTelemetry collector.",
    discussion: "Normally it is started by the programs themselves and leaves when none is left. `otel-relay status` tells what it does.",
    version: Product.version, subcommands: [Serve.self, Status.self], defaultSubcommand: Serve.self)
}

struct Serve: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Run a relay in the foreground, until SIGTERM or SIGINT.")

  @Flag(help: "Serve every user of the machine, at /run/otelagent/. For root.")
  var system = false

  @Option(help: ArgumentHelp("Listen at this socket, for a sidecar: who may open it is served.", valueName: "unix:/path"))
  var listen: String?

  func validate() throws {
    if system, listen != nil { throw ValidationError("--system and --listen exclude each other.") }
    if system, geteuid() != 0 { throw ValidationError("--system needs root: it serves every user.") }
    if let listen, !listen.hasPrefix("unix:/") { throw ValidationError("--listen takes unix:/path with an absolute path, not \"\(listen)\".") }
  }

  func run() throws {
    let environment = environmentVariables()
    let log = RelayLog(
      path: RelayLog.defaultPath(environment: environment), level: RelayLog.Level(named: environment["OTEL_LOG_LEVEL"]), echoes: true)
    signal(SIGPIPE, SIG_IGN)
    Inheritance.protect()
    do throws(RendezvousError) {
      let listener = try Listener(at: try rendezvous(environment), peers: system || listen != nil ? .any : .own)
      guard let relay = makeRelay(listener: listener, log: log, leavesWhenIdle: false) else { throw .failed(listener.name, ENOMEM) }
      relay.run()
    } catch {
      throw CommandFailure(error.description)
    }
  }

  private func rendezvous(_ environment: [String: String]) throws(RendezvousError) -> Rendezvous {
    if system {
      mkdir("/run/otelagent", 0o755)
      return .system
    }
    if let listen {
      guard let rendezvous = Rendezvous.path(String(listen.dropFirst("unix:".count))) else { throw .failed(listen, ENAMETOOLONG) }
      return rendezvous
    }
    guard let rendezvous = Rendezvous.own(environment: environment) else { throw .failed("a private place (no /proc?)", ENOENT) }
    return rendezvous
  }
}

struct Status: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tell what the relay serves, sends and drops, and the last error of each destination.",
    discussion: "Looks where programs with this environment look: OTEL_NATIVE_RELAY=unix:/path, else this user's relay, else the system's.")

  func run() throws {
    let environment = environmentVariables()
    switch RelayClient(environment: environment).status() {
    case .text(let text): print(text, terminator: "")
    case .silent(let name): throw CommandFailure("a relay listens at \(name) but does not answer; is it stopped?")
    case .nobody(let names):
      let log = RelayLog.defaultPath(environment: environment).map { " What earlier relays had to say is in \($0)." } ?? ""
      throw CommandFailure(
        "no relay runs here (looked at \(names.joined(separator: " and "))); a program under otel-instrument starts one with its first span.\(log)")
    }
  }
}

/// Ends the program with one line on standard error and status 1.
struct CommandFailure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
