import Foundation
import Testing

@testable import OTelLaunch

/// The launcher as a user runs it.
@Suite struct LauncherTests {
  private let installation: Installation
  private let home: Home

  init() throws {
    installation = try Installation.shared.get()
    home = try Home()
  }

  private func launch(_ arguments: String..., environment: [String: String] = [:]) throws -> Completion {
    try run(installation.launcher, arguments, environment: home.environment.merging(environment) { $1 })
  }

  @Test func theProgramGetsTheAgentAndTheOptions() throws {
    let result = try launch("--service-name", "shop", "--no-init", "env", environment: ["OTEL_SERVICE_NAME": "old", "LD_PRELOAD": ""])
    #expect(result.status == 0)
    #expect(result.errors == "")
    let entries = result.output.split(separator: "\n").map(String.init)
    #expect(entries.contains("OTEL_SERVICE_NAME=shop"))
    #expect(entries.contains("LD_PRELOAD=\(installation.library)"))
    // And nothing else that was not there.
    #expect(Set(entries.map { $0.split(separator: "=")[0] }) == ["HOME", "XDG_RUNTIME_DIR", "PATH", "OTEL_SERVICE_NAME", "LD_PRELOAD"])
  }

  @Test func launchedTwiceItIsThereOnce() throws {
    let result = try launch(installation.launcher, "--disabled=false", "printenv", "LD_PRELOAD", environment: ["OTEL_NATIVE_RELAY": "off"])
    #expect(result.output == installation.library + "\n")
  }

  @Test func theSameFileByAnotherPathIsTheSame() throws {
    let other = installation.prefix + "/bin/../lib/otelagent/libotelagent.so"
    let result = try launch("printenv", "LD_PRELOAD", environment: ["OTEL_NATIVE_RELAY": "off", "LD_PRELOAD": other])
    #expect(result.output == other + "\n")
  }

  @Test func itBecomesTheProgram() throws {
    let script = "echo $$; exec \"$0\" --relay off sh -c 'echo $$'"
    let result = try run("/bin/sh", ["-c", script, installation.launcher], environment: home.environment)
    let lines = result.output.split(separator: "\n")
    #expect(lines.count == 2 && lines[0] == lines[1])
  }

  @Test func disabledRunsTheProgramBareAndStartsNothing() throws {
    let result = try launch("env", environment: ["OTEL_NATIVE_DISABLED": "true", "OTEL_SDK_DISABLED": "1"])
    #expect(result.status == 0)
    #expect(result.errors == "")
    #expect(!result.output.contains("LD_PRELOAD"))
    #expect(!FileManager.default.fileExists(atPath: home.path + "/run/otelagent"))
  }

  @Test func wrongValuesAreNamedAndTheProgramRuns() throws {
    let result = try launch("echo", "ran", environment: ["OTEL_NATIVE_RELAY": "off", "OTEL_SDK_DISABLED": "1", "OTEL_BSP_SCHEDULE_DELAY": "5s"])
    #expect(result.status == 0)
    #expect(result.output == "ran\n")
    let lines = result.errors.split(separator: "\n")
    #expect(lines.count == 2)
    #expect(lines.allSatisfy { $0.hasPrefix("otel-instrument: OTEL_") })
  }

  @Test func aRelayIsStartedOnceAndIsNobodysChild() throws {
    // wait(-1) in the program says ECHILD: the relay is not its child.
    let wait = "import os\ntry: os.wait()\nexcept ChildProcessError: print('none')"
    for _ in 0..<2 {
      let result = try launch("python3", "-c", wait, environment: ["LD_LIBRARY_PATH": "/nowhere", "SECRET": "x", "no_proxy": "y"])
      #expect(result.output == "none\n")
      #expect(result.errors == "")
    }
    let log = home.relayLog()
    #expect(log.count == 1)
    let line = try #require(log.first)
    let variables = line.split(separator: " ").dropFirst(5).map(String.init)
    // LC_CTYPE is Python's own (PEP 538).
    #expect(Set(variables).subtracting(["LC_CTYPE"]) == ["HOME", "XDG_RUNTIME_DIR", "PATH", "no_proxy"])
    #expect(!line.contains("parent \(getpid())"))
  }

  @Test(arguments: ["off", "external", "unix:/nowhere/relay.sock"])
  func noRelayIsStartedWhereNoneIsWanted(_ relay: String) throws {
    #expect(try launch("true", environment: ["OTEL_NATIVE_RELAY": relay]).status == 0)
    #expect(!FileManager.default.fileExists(atPath: home.path + "/run/otelagent"))
  }

  @Test func exitStatusIsTheProgramsOwn() throws {
    let off = ["OTEL_NATIVE_RELAY": "off"]
    #expect(try launch("sh", "-c", "exit 3", environment: off).status == 3)
    #expect(try launch("sh", "-c", "kill -9 $$", environment: off).status == -9)
  }

  @Test func aProgramThatCannotRun() throws {
    let missing = try launch("no-such-program")
    #expect(missing.status == 127)
    #expect(missing.errors == "otel-instrument: there is no program \"no-such-program\" in PATH.\n")
    #expect(try launch("/no/such/program").status == 127)
    #expect(try launch(home.path).errors == "otel-instrument: \"\(home.path)\" is a directory, not a program.\n")
    let file = home.path + "/file"
    try Data("#!/no/such/interpreter\n".utf8).write(to: URL(fileURLWithPath: file))
    let denied = try launch(file)
    #expect(denied.status == 126)
    #expect(denied.errors.contains("may not be executed"))
    chmod(file, 0o755)
    let broken = try launch(file, environment: ["OTEL_NATIVE_RELAY": "off"])
    #expect(broken.status == 127)
    #expect(broken.errors.contains("its interpreter or loader does not exist"))
    // None of them is a reason to start a relay.
    #expect(!home.hasRelayLog)
  }

  @Test func aScriptWithoutItsFirstLineIsTheShells() throws {
    let file = home.path + "/script"
    try Data("echo $1\n".utf8).write(to: URL(fileURLWithPath: file))
    chmod(file, 0o755)
    #expect(try launch(file, "a b", environment: ["OTEL_NATIVE_RELAY": "off"]).output == "a b\n")
  }

  @Test func aForeignProgramRunsBare() throws {
    // The first bytes of a 32-bit program, which the kernel refuses: what counts is that its loader would not have seen the agent.
    let file = home.path + "/foreign"
    try Data([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1] + [UInt8](repeating: 0, count: 57)).write(to: URL(fileURLWithPath: file))
    chmod(file, 0o755)
    let result = try launch(file)
    #expect(result.errors.contains("\(file) runs without the agent: it is a 32-bit program and the agent is a 64-bit library."))
    #expect(!home.hasRelayLog)
  }

  @Test func aProgramThatPassesNothingOnIsRunWithAWord() throws {
    let folder = home.path + "/bin"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data("#!/bin/sh\necho ran\n".utf8).write(to: URL(fileURLWithPath: folder + "/sudo"))
    chmod(folder + "/sudo", 0o755)
    let result = try launch(folder + "/sudo", "id", environment: ["OTEL_NATIVE_RELAY": "off"])
    #expect(result.status == 0 && result.output == "ran\n")
    #expect(
      result.errors
        == "otel-instrument: \(folder)/sudo (run by /bin/sh) runs without the agent: sudo gives the program that it starts an environment of its "
        + "own, without the agent. Put otel-instrument behind it, with settings as options: sudo ... otel-instrument --service-name ... program.\n")
  }

  @Test func anIncompleteInstallation() throws {
    let broken = try Installation(name: "otel-launch-broken")
    defer { broken.remove() }
    try FileManager.default.removeItem(atPath: broken.library)
    let result = try run(broken.launcher, ["echo", "ran"], environment: home.environment)
    #expect(result.status == 125)
    #expect(result.output == "")
    #expect(result.errors.hasPrefix("otel-instrument: the agent \(broken.library) cannot be read (No such file or directory); nothing was run."))
    #expect(try run(broken.launcher, ["--disabled=true", "echo", "ran"], environment: home.environment).output == "ran\n")
  }

  @Test(arguments: ["otel launch", "otel:launch", "otel$LIB"])
  func anUnusablePrefix(_ name: String) throws {
    let odd = try Installation(name: name)
    defer { odd.remove() }
    let result = try run(odd.launcher, ["echo", "ran"], environment: home.environment)
    #expect(result.status == 125)
    #expect(result.output == "")
    #expect(result.errors.split(separator: "\n").count == 1)
    #expect(result.errors.contains("LD_PRELOAD cannot hold a path with a space, a colon or a dollar sign"))
  }

  @Test func helpAndVersionGoToStdout() throws {
    #expect(try launch("--version").output == "otel-instrument 0.1.0\n")
    let help = try launch("--help")
    #expect(help.status == 0 && help.errors == "" && help.output == HelpText.plain())
    let usage = try launch("--nonsense")
    #expect(usage.status == 2 && usage.output == "" && usage.errors.hasPrefix("otel-instrument: there is no option"))
  }
}
