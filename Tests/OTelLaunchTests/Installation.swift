import Foundation
import Testing

/// A copy of the launcher, laid out as it is installed, with an empty library for an agent and a relay that logs what is asked of it.
///
/// Made once for all tests; each test has a home of its own, where its relay has its socket and its log.
final class Installation: Sendable {
  static let shared = Result {
    let installation = try Installation(name: sharedName)
    atexit { try? FileManager.default.removeItem(atPath: Installation.prefix(of: sharedName)) }
    return installation
  }
  private static let sharedName = "otel-launch-tests"
  private static func prefix(of name: String) -> String { NSTemporaryDirectory() + "\(name).\(getpid())" }

  let prefix: String
  var launcher: String { prefix + "/bin/otel-instrument" }
  var library: String { prefix + "/lib/otelagent/libotelagent.so" }

  /// - Parameters:
  ///   - agent: the agent's C source.
  ///   - versions: its version script.
  init(name: String, agent: String = "int otel_empty;", versions: String = "OTELAGENT_ANY { };") throws {
    prefix = Installation.prefix(of: name)
    let files = FileManager.default
    try? files.removeItem(atPath: prefix)
    for folder in ["/bin", "/lib/otelagent"] { try files.createDirectory(atPath: prefix + folder, withIntermediateDirectories: true) }
    let built = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path + "/otel-instrument"
    try files.copyItem(atPath: built, toPath: launcher)
    try Data((agent + "\n").utf8).write(to: URL(fileURLWithPath: prefix + "/empty.c"))
    try Data(versions.utf8).write(to: URL(fileURLWithPath: prefix + "/agent.map"))
    let compiler = try run(
      "cc", ["-shared", "-fPIC", "-Wl,--version-script=\(prefix)/agent.map", "-o", library, prefix + "/empty.c"], environment: ProcessInfo.processInfo.environment)
    try #require(compiler.status == 0, "\(compiler.errors)")
    try Data(Installation.relay.utf8).write(to: URL(fileURLWithPath: prefix + "/lib/otelagent/otel-relay"))
    chmod(prefix + "/lib/otelagent/otel-relay", 0o755)
  }

  func remove() { try? FileManager.default.removeItem(atPath: prefix) }

  private static let relay = """
    #!/usr/bin/python3
    import os, socket, sys, threading
    home = os.environ["HOME"]
    if sys.argv[1:] == ["check"]:
        with open(home + "/check") as file: answer = file.read().split("\\n")
        names = sorted(name for name in os.environ if name != "LC_CTYPE")
        print(answer[1].replace("VARIABLES", " ".join(names)))
        print(answer[2], file=sys.stderr)
        sys.exit(int(answer[0]))
    def log(text):
        with open(home + "/relay.log", "a") as file: file.write(text + "\\n")
    os.closerange(0, 3); os.closerange(5, 4096)
    listener = socket.socket(fileno=3)
    listener.settimeout(20)
    log("pid %d parent %d variables %s" % (os.getpid(), os.getppid(), " ".join(sorted(os.environ))))
    def serve(peer):
        while True:
            message = peer.recv(64)
            if not message: return
            if message[6] == 3:
                log("drain")
                if not os.path.exists(home + "/silent"): peer.send(b"drained\\n")
    try:
        while True:
            peer, _ = listener.accept()
            peer.setblocking(True)
            threading.Thread(target=serve, args=(peer,), daemon=True).start()
    except TimeoutError:
        log("idle")
    """
}

/// What a process left.
struct Completion {
  var status: Int32
  var output: String
  var errors: String
}

/// Runs a program with /dev/null as its stdin and no signal ignored, and waits for it.
func run(_ program: String, _ arguments: [String], environment: [String: String]) throws -> Completion {
  let process = Process()
  let output = Pipe()
  let errors = Pipe()
  // `swift test` ignores SIGTERM and SIGINT, and whoever it starts inherits that.
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = ["--default-signal", program] + arguments
  process.environment = environment
  process.standardInput = FileHandle.nullDevice
  process.standardOutput = output
  process.standardError = errors
  try process.run()
  // Both are short: neither pipe fills while the other one is read.
  let text = output.fileHandleForReading.readDataToEndOfFile()
  let diagnostics = errors.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  return Completion(
    status: process.terminationReason == .uncaughtSignal ? -process.terminationStatus : process.terminationStatus,
    output: String(decoding: text, as: UTF8.self), errors: String(decoding: diagnostics, as: UTF8.self))
}

/// A home directory with a private runtime directory in it; goes, with its relay, at the end.
final class Home {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "otel-home.\(UUID().uuidString)"
    try FileManager.default.createDirectory(
      atPath: path + "/run", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
  }

  var environment: [String: String] {
    ["HOME": path, "XDG_RUNTIME_DIR": path + "/run", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
  }

  /// What the relay has logged, once it has logged anything; nothing if it never does.
  func relayLog() -> [String] {
    for _ in 0..<500 {
      if let text = try? String(contentsOfFile: path + "/relay.log", encoding: .utf8), text.hasSuffix("\n") {
        return text.split(separator: "\n").map(String.init)
      }
      usleep(10_000)
    }
    return []
  }

  var hasRelayLog: Bool { FileManager.default.fileExists(atPath: path + "/relay.log") }

  deinit {
    if hasRelayLog {
      for line in relayLog() where line.hasPrefix("pid ") {
        // Of a relay in a pid name space that is gone, the number means somebody else here.
        let words = line.split(separator: " ")
        guard let pid = pid_t(words[1]), let executable = try? String(contentsOfFile: "/proc/\(pid)/environ", encoding: .utf8),
          executable.contains(path)
        else { continue }
        kill(pid, SIGKILL)
      }
    }
    try? FileManager.default.removeItem(atPath: path)
  }
}
