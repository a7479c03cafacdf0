import Foundation
import Testing

private let canMakeNameSpaces = (try? run("/usr/bin/unshare", ["-pf", "--mount-proc", "true"], environment: [:]))?.status == 0

/// The launcher as the first process of a pid name space.
@Suite(.enabled(if: canMakeNameSpaces, "needs unshare(1) and the right to use it")) struct InitProcessTests {
  private let installation: Installation
  private let home: Home

  init() throws {
    installation = try Installation.shared.get()
    home = try Home()
  }

  private func launch(_ arguments: String..., environment: [String: String] = [:]) throws -> Completion {
    try run(
      "/usr/bin/unshare", ["-pf", "--mount-proc", installation.launcher] + arguments,
      environment: home.environment.merging(["OTEL_NATIVE_EXIT_TIMEOUT": "60000"]) { $1 }.merging(environment) { $1 })
  }

  @Test func exitStatusIsTheProgramsOwn() throws {
    #expect(try launch("sh", "-c", "exit 3").status == 3)
    #expect(try launch("sh", "-c", "kill -9 $$").status == 128 + 9)
    #expect(try launch("--relay=off", "sh", "-c", "kill -TERM $$").status == 128 + 15)
    #expect(try launch("no-such-program").status == 127)
    #expect(home.relayLog().filter { $0.hasPrefix("drain") }.count == 2)
  }

  @Test func theRelayIsAskedToDrainAfterTheProgram() throws {
    #expect(try launch("sh", "-c", "! grep drain \"$HOME/relay.log\"").status == 0)
    #expect(home.relayLog().last == "drain")
  }

  @Test func aSilentRelayDelaysTheEndOnlyForSoLong() throws {
    try Data().write(to: URL(fileURLWithPath: home.path + "/silent"))
    let untilTheRelayRuns = "while [ ! -s \"$HOME/relay.log\" ]; do sleep 0.01; done; exit 4"
    #expect(try launch("--exit-timeout=1000", "sh", "-c", untilTheRelayRuns).status == 4)
    #expect(home.relayLog().last == "drain")
  }

  @Test func withTimeoutZeroNobodyIsAsked() throws {
    #expect(try launch("--exit-timeout=0", "true").status == 0)
    // The relay dies with its name space, perhaps before it wrote anything.
    if home.hasRelayLog { #expect(!home.relayLog().contains("drain")) }
  }

  @Test func theProgramSeesWhatItWouldSeeAsTheFirst() throws {
    let script = """
      import os, signal
      try: os.wait()
      except ChildProcessError: print("no child")
      print(os.getpgrp() == os.getpid(), os.getppid(), signal.pthread_sigmask(signal.SIG_BLOCK, []))
      print(signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL, signal.getsignal(signal.SIGTERM) == signal.SIG_DFL)
      """
    #expect(try launch("python3", "-c", script).output == "no child\nTrue 1 set()\nTrue True\n")
  }

  @Test func maskAndDispositionsAreHandedOn() throws {
    let outer = """
      import os, signal, sys
      signal.signal(signal.SIGCHLD, signal.SIG_IGN); signal.signal(signal.SIGHUP, signal.SIG_IGN)
      signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
      inner = "import signal as s; print([s.getsignal(n) == s.SIG_IGN for n in (s.SIGCHLD, s.SIGHUP, s.SIGTERM)], s.SIGUSR1 in s.pthread_sigmask(s.SIG_BLOCK, []))"
      os.execv(sys.argv[1], [sys.argv[1], "--relay=off", "python3", "-c", inner])
      """
    let result = try run(
      "/usr/bin/unshare", ["-pf", "--mount-proc", "python3", "-c", outer, installation.launcher], environment: home.environment)
    #expect(result.output == "[True, True, False] True\n")
    #expect(result.status == 0)
  }

  @Test func everySignalIsPassedOn() throws {
    // The program sends them to its init one by one and waits for each to come back.
    let script = """
      import os, signal, sys
      numbers = [n for n in signal.valid_signals() if n not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD)]
      signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
      for n in numbers:
          os.kill(1, n)
          if signal.sigtimedwait([n], 20) is None: sys.exit(f"signal {n} was not passed on")
      print(len(numbers) > 55)
      """
    let result = try launch("--relay=off", "python3", "-c", script)
    #expect(result.errors == "")
    #expect(result.output == "True\n")
  }

  @Test func nobodyCouldContinueTheProgramSoItDoesNotStop() throws {
    #expect(try launch("--relay=off", "sh", "-c", "kill -TSTP $$; exit 5").status == 5)
  }

  @Test func orphansAreReaped() throws {
    let script = """
      (sh -c 'exit 0' & ) ; (sleep 0 &) ; i=0
      while ps -e -o stat= | grep -q Z && [ $i -lt 200 ]; do i=$((i+1)); sleep 0.05; done
      ps -e -o stat= | grep -c Z
      """
    #expect(try launch("--relay=off", "sh", "-c", script).output == "0\n")
  }

  @Test func withoutInitItBecomesTheProgramAndStartsNoRelay() throws {
    let result = try launch("--no-init", "sh", "-c", "echo $$")
    #expect(result.output == "1\n")
    #expect(result.errors.contains("no relay is running, and none is started as the child of a container's first process"))
    #expect(!home.hasRelayLog)
    let disabled = try launch("--disabled=true", "sh", "-c", "echo $$")
    #expect(disabled.output == "1\n" && disabled.errors == "")
  }
}
