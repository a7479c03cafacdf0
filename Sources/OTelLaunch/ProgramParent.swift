import COTelShims
@preconcurrency import Glibc
import OTelInspection
package import OTelView

/// The launcher as the program's parent: it passes signals on, follows the program when it is stopped and continued, and learns how it ended.
///
/// Not to be used with other threads.
package struct ProgramParent {
  package enum Role {
    /// Of a pid name space. The program gets the terminal in a process group of its own, and whoever has no other parent is reaped.
    ///
    /// The relay needs such an init. Were the program itself the first process, the relay would become its child, and would be killed at
    /// the program's end before it could export the last spans.
    case firstProcess
    /// A process among others: the program stays in its process group, so that a shell, a terminal and a supervisor see what they would
    /// see without us.
    case member
  }

  package typealias Ending = RunSummary.Ending

  private let role: Role
  private let original = SignalState()
  private(set) package var program: Int32 = 0
  /// Readable when `handleSignals` has something to do (signalfd(2)).
  private(set) package var signals: Int32 = -1
  private var failure: Int32 = -1
  private var stop: Stop?
  /// Ctrl-Z was pressed and the program has not stopped yet: it may be tidying up before it stops itself.
  private var wasAskedToStop = false
  private var expectsContinue = false

  private struct Stop { let signal: Int32 }

  package init(role: Role) { self.role = role }

  /// Starts the program as a child.
  package mutating func start(_ image: ProgramImage) throws(LaunchError) {
    // Blocked, a signal waits to be read, also one that the first process has no handler for, which the kernel otherwise drops
    // (kernel/signal.c, sig_ignored).
    var all = sigset_t()
    sigfillset(&all)
    sigprocmask(SIG_SETMASK, &all, nil)
    // An ignored SIGCHLD would reap our children without us.
    signal(SIGCHLD, SIG_DFL)
    // SFD_CLOEXEC and SFD_NONBLOCK are the same bits (signalfd(2)).
    let flags = Int(O_CLOEXEC | O_NONBLOCK)
    signals = Int32(withUnsafeMutablePointer(to: &all) { otel_syscall6(Int(SYS_signalfd4), -1, Int(bitPattern: $0), 8, flags, 0, 0) })
    var ends: (Int32, Int32) = (-1, -1)
    _ = withUnsafeMutablePointer(to: &ends) { otel_syscall6(Int(SYS_pipe2), Int(bitPattern: $0), flags, 0, 0, 0, 0) }
    guard signals >= 0, ends.0 >= 0 else {
      throw LaunchError(ExitStatus.launcherFailed, "no descriptor is left to start the program with; nothing was run. Raise the limit of open files (ulimit -n).")
    }
    failure = ends.0
    program = try spawn(image, reportingTo: ends.1)
    close(ends.1)
  }

  /// Whether the program's file could not be executed. Its status is the launcher's own then, and it has been said.
  package var hasFailedToExecute: Bool {
    var byte: UInt8 = 0
    return read(failure, &byte, 1) == 1
  }

  /// fork(2) by its number: the library's own is unavailable in Swift, for programs with threads, and posix_spawn(3) cannot give a
  /// child an ignored SIGCHLD.
  private func spawn(_ image: ProgramImage, reportingTo report: Int32) throws(LaunchError) -> pid_t {
    let launcher = getpid()
    let result = otel_syscall6(Int(SYS_clone), Int(SIGCHLD), 0, 0, 0, 0, 0)
    if result == 0 {
      switch role {
      case .firstProcess: becomeForegroundGroup()
      case .member: endWith(launcher)
      }
      original.restore()
      let failure = image.execute()
      var byte: UInt8 = 1
      _ = write(report, &byte, 1)
      Diagnostics.write(failure.message)
      _exit(failure.status)
    }
    guard result > 0 else {
      throw LaunchError(ExitStatus.notExecutable, "no process can be made for the program: \(SystemError.description(Int32(-result))).")
    }
    return pid_t(result)
  }

  /// In the child. As the first process itself, the program would have led its process group and had the terminal: without a group of
  /// its own it would get a Ctrl-C twice, from the terminal and from us.
  private func becomeForegroundGroup() {
    let before = getpgrp()
    guard setpgid(0, 0) == 0 else { return }
    // SIGTTOU is still blocked, so this does not stop us.
    if isatty(STDIN_FILENO) == 1, tcgetpgrp(STDIN_FILENO) == before { tcsetpgrp(STDIN_FILENO, getpid()) }
  }

  /// In the child. A SIGKILL for the launcher is meant for the program, and is the one signal that cannot be passed on (prctl(2),
  /// PR_SET_PDEATHSIG; <linux/prctl.h>: 1).
  private func endWith(_ launcher: pid_t) {
    _ = otel_syscall6(Int(SYS_prctl), 1, Int(SIGKILL), 0, 0, 0, 0)
    if getppid() != launcher { kill(getpid(), SIGKILL) }
  }

  // MARK: Waiting

  /// Waits for the program's end.
  package mutating func wait() -> Ending {
    while true {
      if let ending = handleSignals() { return ending }
      var entry = pollfd(fd: signals, events: Int16(POLLIN), revents: 0)
      poll(&entry, 1, -1)
    }
  }

  /// Does what the signals that have arrived ask for. Returns how the program ended, once it has.
  package mutating func handleSignals() -> Ending? {
    while let signal = nextSignal() {
      if signal.number == SIGCHLD {
        if let ending = reap() { return ending }
      } else {
        forward(signal)
      }
    }
    return nil
  }

  private struct Signal {
    let number: Int32
    let code: Int32
    let sender: Int32
    let value: UInt
  }

  /// `struct signalfd_siginfo` (signalfd(2)): signo, errno, code, pid …, ptr at 48; 128 bytes.
  private func nextSignal() -> Signal? {
    withUnsafeTemporaryAllocation(byteCount: 128, alignment: 8) { bytes in
      guard read(signals, bytes.baseAddress, 128) == 128 else { return nil }
      func word(_ offset: Int) -> Int32 { bytes.load(fromByteOffset: offset, as: Int32.self) }
      return Signal(number: word(0), code: word(8), sender: word(12), value: bytes.load(fromByteOffset: 48, as: UInt.self))
    }
  }

  private mutating func forward(_ signal: Signal) {
    if case .member = role, isForUsAlone(signal) { return }
    // Sent with a value, it arrives with one.
    if signal.code == Int32(SI_QUEUE) {
      sigqueue(program, signal.number, sigval(sival_ptr: UnsafeMutableRawPointer(bitPattern: signal.value)))
    } else {
      kill(program, signal.number)
    }
  }

  private mutating func isForUsAlone(_ signal: Signal) -> Bool {
    switch signal.number {
    // The terminal sends these to all of its foreground process group: the program has it already.
    case SIGINT, SIGQUIT, SIGHUP, SIGTSTP, SIGTTIN, SIGTTOU, SIGWINCH, SIGCONT:
      guard signal.code == Self.fromKernel else { break }
      if signal.number == SIGTSTP {
        wasAskedToStop = true
        if let stop { follow(stop) }
      }
      return true
    default: break
    }
    if signal.number == SIGCONT, expectsContinue {
      expectsContinue = false
      return true
    }
    // The program's own, to its parent; and what our own writes raised (SIGPIPE).
    return signal.code != Self.fromKernel && (signal.sender == program || signal.sender == getpid())
  }

  /// SI_KERNEL (sigaction(2)).
  private static let fromKernel: Int32 = 0x80

  /// The program's end, when it is among those that have ended.
  private mutating func reap() -> Ending? {
    var result: Ending?
    while true {
      var status: Int32 = 0
      let child = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED)
      guard child > 0 else { return result }
      guard child == program else { continue }
      switch (status & 0x7f, (status >> 8) & 0xff) {
      case (0, let code): result = .exited(code)
      case (0x7f, let signal) where status != 0xffff: hasStopped(by: signal)
      case (0x7f, _): stop = nil
      case (let signal, _): result = .killed(signal: signal)
      }
    }
  }

  private mutating func hasStopped(by signal: Int32) {
    switch (role, signal) {
    // As the first process itself it could not have been stopped by Ctrl-Z: the kernel lets no group be stopped that has nobody to
    // continue it (setpgid(2), orphaned process groups).
    case (.firstProcess, SIGTSTP): kill(program, SIGCONT)
    case (.firstProcess, _): break
    case (.member, SIGTSTP), (.member, SIGTTIN), (.member, SIGTTOU): follow(Stop(signal: signal))
    // After Ctrl-Z, programs that tidy up first stop themselves by SIGSTOP. Anybody else's may be followed by a SIGCONT for the program
    // alone, which would leave us stopped for ever.
    case (.member, _) where wasAskedToStop: follow(Stop(signal: signal))
    case (.member, _): stop = Stop(signal: signal)
    }
  }

  /// Stops as the program did, so that the shell sees its job stopped; returns when we are continued, and sees to it that the program is.
  private mutating func follow(_ stop: Stop) {
    (self.stop, wasAskedToStop) = (nil, false)
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, stop.signal)
    if stop.signal != SIGSTOP { signal(stop.signal, SIG_DFL) }
    // Sent while it is blocked: with one that is pending from the terminal it is one, and stops us once.
    kill(getpid(), stop.signal)
    sigprocmask(SIG_UNBLOCK, &set, nil)
    sigprocmask(SIG_BLOCK, &set, nil)
    expectsContinue = true
    // A shell continues the whole group; somebody else perhaps us alone. A second SIGCONT changes nothing.
    kill(program, SIGCONT)
  }

  // MARK: The end

  /// After the program's end: whoever wants the launcher to go can make it, though its terminal takes no output (Ctrl-S).
  package mutating func letItselfBeInterrupted() {
    while nextSignal() != nil {}
    var set = sigset_t()
    sigemptyset(&set)
    for number in [SIGINT, SIGQUIT, SIGTERM, SIGHUP] { sigaddset(&set, number) }
    sigprocmask(SIG_UNBLOCK, &set, nil)
  }

  /// Ends as the program did: by the same signal, or returns the status to exit with.
  package func end(like ending: Ending) -> Int32 {
    switch ending {
    case .exited(let status): return status
    case .killed(let number):
      // The first process of a name space cannot end by its own signal.
      if case .member = role { die(by: number) }
      return ExitStatus.signalBase + number
    }
  }

  private func die(by number: Int32) {
    // The program may have left a core; another of the launcher would replace it, or be sent to whoever collects them.
    var limit = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(4), &limit)  // RLIMIT_CORE
    _ = otel_syscall6(Int(SYS_prctl), 4, 0, 0, 0, 0, 0)  // PR_SET_DUMPABLE
    signal(number, SIG_DFL)
    kill(getpid(), number)
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, number)
    sigprocmask(SIG_UNBLOCK, &set, nil)
  }
}

/// What a process inherits about signals, to be given to a child as it was found.
private struct SignalState {
  private var mask = sigset_t()
  private var ignoresChildren = false

  init() {
    sigprocmask(SIG_SETMASK, nil, &mask)
    var action = sigaction()
    sigaction(SIGCHLD, nil, &action)
    ignoresChildren = unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
  }

  func restore() {
    signal(SIGCHLD, ignoresChildren ? SIG_IGN : SIG_DFL)
    var mask = self.mask
    sigprocmask(SIG_SETMASK, &mask, nil)
  }
}
