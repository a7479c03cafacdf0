@preconcurrency import Glibc
import OTelConfiguration
import OTelInspection

/// The part of a report that is about the program's files.
struct ProgramReport {
  typealias Reach = (call: TracedCall, callers: [ByteString])

  private(set) var facts: [CheckReport.Fact] = []
  private(set) var notes: [String] = []
  private(set) var tasks: [String] = []
  private(set) var reached: [Reach] = []
  private let inspection: ProgramInspection
  private let environment: Environment
  /// Why it cannot be run, and the status that a launch would end with.
  private(set) var breakage: String?
  private(set) var failure: Int32?
  /// Why it cannot be traced.
  private(set) var obstacle: Obstacle?

  init(_ path: ByteString, plan: LaunchPlan) {
    let searchPath = plan.environment["PATH"]
    environment = plan.environment
    inspection = ProgramInspection(path, arguments: [ByteString](plan.command.dropFirst()), environment: plan.environment.entries) { name in
      try? ProgramLookup.find(name, searchPath: searchPath)
    }
    obstacle = inspection.obstacle
  }

  /// Whether the launcher leaves the agent in the program's environment.
  var isLoaded: Bool { obstacle?.effect != .harmful && failure == nil }

  /// - Parameter agent: nil when it cannot be read.
  mutating func describe(agent: ELFFile?) {
    for step in inspection.chain.steps { facts.append(.init(label: label(of: step.reason), text: LinkChain.text(step.path))) }
    switch inspection.chain.end {
    case .program(let program):
      describe(program)
      obstacle = obstacle ?? neverListed
      if isLoaded, program.isClass64, program.machine == .own, program.interpreter != nil { describe(program, agent) }
    case .unreadable(let error):
      facts.append(.init(label: "format", text: "cannot be read (\(SystemError.description(error)))"))
      notes.append("\(inspection.chain.last) may be executed but not read, so nothing more is known about it.")
    case .missing: fail(missing)
    case .tooDeep: fail((ExitStatus.notExecutable, "its #! lines lead from script to script without end", "Name a program in its #! line."))
    }
    if let barrier = inspection.barrier, !barrier.isWhole {
      notes.append(barrier.reason.prefix(1).uppercased() + barrier.reason.dropFirst() + ". " + barrier.remedy)
    }
    if let obstacle { tasks.insert(obstacle.remedy, at: 0) }
  }

  /// What the system's security modules may do about the agent's file.
  func confinement(_ library: ByteString) -> [String] {
    guard obstacle == nil, breakage == nil else { return [] }
    return SecurityModules().notes(inspection.chain.last.resolved ?? inspection.chain.last, agent: library)
  }

  // MARK: What it is

  private func label(of reason: ExecutableChain.Reason) -> String {
    switch reason {
    case .asked: "file"
    case .interpreter: "run by (#!)"
    case .env: "run by env"
    case .shell: "run by"
    }
  }

  private mutating func describe(_ program: ELFFile) {
    var words = ["ELF", program.isClass64 ? "64-bit" : "32-bit", program.machine.name]
    if program.isClass64, program.hasProgramHeaders {
      words.append(program.interpreter == nil ? (program.isPositionIndependent ? "static-pie" : "statically linked") : "dynamically linked")
      if program.isGo { words.append("Go") }
    }
    facts.append(.init(label: "format", text: words.joined(separator: ", ")))
    if let loader = program.interpreter { facts.append(.init(label: "loader", text: "\(loader) (\(libc(loader)))")) }
    if let change = PrivilegeChange(program.file) { facts.append(.init(label: "rights", text: describe(change))) }
  }

  private func libc(_ loader: ByteString) -> String {
    loader.name.hasPrefix("ld-musl") ? "musl" : loader.name.hasPrefix("ld-linux") || loader.name.hasPrefix("ld.so") ? "glibc" : "unknown"
  }

  private func describe(_ change: PrivilegeChange) -> String {
    switch change {
    case .user(let user): "set-user-id, \(user == 0 ? "root" : "user \(user)")"
    case .group(let group): "set-group-id, group \(group)"
    case .capabilities: "file capabilities"
    }
  }

  // MARK: What it calls

  private mutating func describe(_ program: ELFFile, _ agent: ELFFile?) {
    let loaded = LoadedObjects(program, path: inspection.chain.last, resolver: LibraryResolver(libraryPath: environment["LD_LIBRARY_PATH"]))
    if let name = loaded.missing.first, isLoaded {
      tasks.append("\(name), which it needs, was not found; it will not start. Install it, or set LD_LIBRARY_PATH.")
    }
    let libcurls = Libcurl.all(in: loaded, agent: agent.map { SymbolVersions.defined(by: $0) } ?? [])
    describe(libcurls, program, loaded)

    describeCalls(loaded, agent)
    if program.isGo { notes.append("It is a Go program: its own requests do not pass through the C library, so only what its C code does is seen.") }
    describeSanitizer(program)
  }

  private mutating func describeCalls(_ loaded: LoadedObjects, _ agent: ELFFile?) {
    guard obstacle == nil, let file = loaded.program.file else { return }
    let supported = agent.map { TracedCall.supported(by: $0) } ?? []
    let importers = loaded.importers(of: TracedCall.all.map(\.symbol))
    for call in TracedCall.all {
      guard let callers = importers[call.symbol] else { continue }
      let names = callers.prefix(3).map { "\($0.name)" }.joined(separator: ", ") + (callers.count > 3 ? " and \(callers.count - 3) more" : "")
      if supported.contains(call) {
        reached.append((call, callers.map(\.name)))
        facts.append(.init(label: "traced call", text: "\(call.symbol), made by \(names)"))
      } else {
        facts.append(.init(label: "not traced", text: "\(call.symbol), made by \(names)"))
      }
    }
    if !SymbolTable(file, names: ProgramReport.starters, scope: .dynamic).imported.isEmpty {
      facts.append(.init(label: "starts", text: "other programs; they inherit the agent, and can be checked as well"))
    }
  }

  private static let starters: [ByteString] = ["execve", "execv", "execvp", "execl", "execlp", "posix_spawn", "posix_spawnp", "system", "popen"]

  private mutating func describe(_ libcurls: [Libcurl], _ program: ELFFile, _ loaded: LoadedObjects) {
    for libcurl in libcurls {
      let users = libcurl.users.map { "\($0.name)" }.joined(separator: ", ")
      facts.append(.init(label: "libcurl", text: "\(libcurl.path) (\(libcurl.flavour)), linked by \(users)"))
      for version in libcurl.unknownVersions {
        tasks.append(
          "It calls libcurl by the version \(version), which the agent does not have, so these calls are not traced. "
            + "Use a libcurl that is built as Debian's are.")
      }
    }
    guard libcurls.isEmpty else { return }
    let runtime = LanguageRuntime((inspection.chain.last.resolved ?? inspection.chain.last).name)
    if let runtime {
      facts.append(.init(label: "libcurl", text: "not linked; traced when \(runtime.name) loads it, for an extension that uses it"))
      if let other = runtime.agent {
        notes.append("What \(runtime.name)'s own libraries send is traced by OpenTelemetry's agent for \(runtime.name): \(other).")
      }
    } else if Libcurl.isBuilt(into: program) {
      facts.append(.init(label: "libcurl", text: "built into the program"))
      notes.append("libcurl is built into the program, so its requests are not seen, only the connects. Link it with libcurl.so.4 for more.")
    } else if !SymbolTable(program, names: ["dlopen"], scope: .dynamic).imported.isEmpty {
      facts.append(.init(label: "libcurl", text: "not linked; traced if the program loads it later (it uses dlopen)"))
    } else {
      facts.append(.init(label: "libcurl", text: "not linked"))
    }
  }

  /// A sanitizer's library in DT_NEEDED is an obstacle; clang links it into the program.
  private mutating func describeSanitizer(_ program: ELFFile) {
    let names: [(symbol: ByteString, name: String)] = [
      ("__asan_init", "AddressSanitizer"), ("__tsan_init", "ThreadSanitizer"), ("__msan_init", "MemorySanitizer"),
    ]
    let defined = SymbolTable(program, names: names.map(\.symbol), scope: .all).defined
    for (symbol, name) in names where defined.contains(symbol) {
      notes.append("It is built with \(name), and the agent is not: do not trust a report of it that names libotelagent.so.")
    }
  }

  // MARK: Why not

  private var neverListed: Obstacle? {
    let path = inspection.chain.last.resolved ?? inspection.chain.last
    guard path.withText({ NeverList.contains($0) }) else { return nil }
    return Obstacle(
      .unseen, "the agent never acts in \(path.name), nor in others that start, guard or debug a system",
      remedy: "Check the program that \(path.name) runs: it inherits the agent, unless \(path.name) clears the environment.")
  }

  private typealias Failure = (status: Int32, reason: String, remedy: String)

  private mutating func fail(_ failure: Failure) {
    (self.failure, breakage) = (failure.status, failure.reason)
    tasks.append(failure.remedy)
  }

  private var missing: Failure {
    let path = inspection.chain.last
    let isFromWindows = path.bytes.last == 0x0d
    return (
      ExitStatus.notFound, "its interpreter \(path.quoted) does not exist",
      isFromWindows ? "Its first line ends with a carriage return, as on Windows: remove that (dos2unix)." : "Install it, or correct the #! line."
    )
  }
}
