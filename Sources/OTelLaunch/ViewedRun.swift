import COTelShims
@preconcurrency import Glibc
import OTelInspection
import OTelReceiver
import OTelView

/// `--view`: runs the program with a relay of its own, the launcher, and shows its traces at the end.
struct ViewedRun {
  private var plan: LaunchPlan
  private let program: ByteString
  /// Why the program cannot be traced, if that is known beforehand.
  private let obstacle: String?

  init(_ plan: LaunchPlan, program: ByteString, obstacle: String?) {
    self.plan = plan
    self.program = program
    self.obstacle = obstacle
  }

  /// Returns the status to exit with; ends by the program's signal when that was ended by one.
  func run() throws(LaunchError) -> Int32 {
    Self.occupyStandardDescriptors()
    let relay = try ViewRelay(environment: plan.environment)
    var environment = plan.environment
    if plan.usesAgent { environment.set("OTEL_NATIVE_RELAY", relay.address) }

    var parent = ProgramParent(role: getpid() == 1 ? .firstProcess : .member)
    let start = wallClockNanoseconds()
    do throws(LaunchError) {
      try parent.start(ProgramImage(path: program, command: plan.command, environment: environment))
    } catch {
      relay.remove()
      throw error
    }
    Self.raiseDescriptorLimit()
    relay.child = WatchedChild(processID: Int(parent.program))
    let ending = wait(&parent, relay)
    let end = wallClockNanoseconds()

    let spans = relay.finish(status: ending.waitStatus)
    relay.remove()
    if !parent.hasFailedToExecute {
      var summary = RunSummary(command: plan.command[0].description, ending: ending, start: start, end: end)
      (summary.losses, summary.running) = (relay.losses, relay.runningProcesses)
      summary.hints = ViewHints.sentences(environment, usesAgent: plan.usesAgent, obstacle: obstacle, program: plan.command[0])
      parent.letItselfBeInterrupted()
      ViewOutput.show(summary, spans, environment: environment)
    }
    return parent.end(like: ending)
  }

  private func wait(_ parent: inout ProgramParent, _ relay: ViewRelay) -> RunSummary.Ending {
    while true {
      if let ending = parent.handleSignals() { return ending }
      let now = monotonicNanoseconds()
      relay.turn(now: now)
      var entries = ([parent.signals] + relay.descriptors).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      let pause = relay.pause(now: monotonicNanoseconds())
      poll(&entries, nfds_t(entries.count), pause)
    }
  }

  /// The launcher's own descriptors shall not become the program's 0, 1 or 2 where those are closed: what it writes would go there.
  /// These are closed for the program, as it would have found them.
  private static func occupyStandardDescriptors() {
    for descriptor in Int32(0)...2 where fcntl(descriptor, F_GETFD) < 0 { _ = open("/dev/null", O_RDWR | O_CLOEXEC) }
  }

  /// A region is a descriptor. After the program was started, which is to have the limit that we found.
  private static func raiseDescriptorLimit() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(7), &limit) == 0 else { return }  // RLIMIT_NOFILE
    limit.rlim_cur = min(limit.rlim_max, 1 << 20)
    setrlimit(__rlimit_resource_t(7), &limit)
  }
}
