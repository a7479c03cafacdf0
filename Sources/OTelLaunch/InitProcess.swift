@preconcurrency import Glibc
import COTelShims
import OTelInspection

/// The duties of a pid name space's first process: it passes signals on, reaps whoever has no other parent, and ends as the program did.
///
/// The relay needs it. Were the program itself the first process, the relay would become its child, and would be killed at the
/// program's end before it could export the last spans.
package struct InitProcess {
  private let original = SignalState()
  private var program: pid_t = 0

  package init() {}

  /// Runs the program as a child and returns its exit status; 128 + n when signal n ended it. Not to be called with other threads.
  package mutating func run(_ image: ProgramImage) throws(LaunchError) -> Int32 {
    // Blocked, a signal waits for sigwaitinfo, also one that the first process has no handler for, which the kernel otherwise drops
    // (kernel/signal.c, sig_ignored).
    var all = sigset_t()
    sigfillset(&all)
    sigprocmask(SIG_SETMASK, &all, nil)
    // An ignored SIGCHLD would reap our children without us.
    signal(SIGCHLD, SIG_DFL)

    program = try spawn(image)
    while true {
      var information = siginfo_t()
      let number = sigwaitinfo(&all, &information)
      if number == SIGCHLD {
        if let status = reap() { return status }
      } else if number > 0 {
        forward(number, information)
      }
    }
  }

  /// fork(2) by its number: the library's own is unavailable in Swift, for programs with threads, and posix_spawn(3) cannot give a
  /// child an ignored SIGCHLD.
  private func spawn(_ image: ProgramImage) throws(LaunchError) -> pid_t {
    let result = otel_syscall6(Int(SYS_clone), Int(SIGCHLD), 0, 0, 0, 0, 0)
    if result == 0 {
      becomeForegroundGroup()
      original.restore()
      let failure = image.execute()
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

  private func forward(_ number: Int32, _ information: siginfo_t) {
    // Sent with a value, it arrives with one.
    if information.si_code == Int32(SI_QUEUE) {
      sigqueue(program, number, information._sifields._rt.si_sigval)
    } else {
      kill(program, number)
    }
  }

  /// The program's exit status, when it is among those that have ended.
  private func reap() -> Int32? {
    var result: Int32?
    while true {
      var status: Int32 = 0
      let child = waitpid(-1, &status, WNOHANG | WUNTRACED)
      guard child > 0 else { return result }
      guard child == program else { continue }
      let signal = status & 0x7f
      if signal == 0x7f {
        // Stopped. As the first process itself it could not have been, by Ctrl-Z: the kernel lets no group be stopped that has nobody
        // to continue it (setpgid(2), orphaned process groups).
        if (status >> 8) & 0xff == SIGTSTP { kill(program, SIGCONT) }
        continue
      }
      result = signal == 0 ? (status >> 8) & 0xff : ExitStatus.signalBase + signal
    }
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
