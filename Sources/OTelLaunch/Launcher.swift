@preconcurrency import Glibc
import OTelConfiguration
import OTelInspection

/// `otel-instrument`, from its arguments to the program.
public enum Launcher {
  /// Returns the status to exit with; after a successful exec it does not return.
  public static func main() -> Int32 {
    var arguments: [ByteString] = []
    // Not CommandLine.arguments, which replaces what is not UTF-8.
    for index in 1..<max(1, Int(CommandLine.argc)) {
      if let argument = CommandLine.unsafeArgv[index] { arguments.append(ByteString(cString: argument)) }
    }
    do throws(LaunchError) {
      switch try OptionParser().parse(arguments) {
      case .help: return print(HelpText.plain())
      case .markdownHelp: return print(VariableReference.markdown())
      case .manualHelp: return print(ManualLists.mdoc())
      case .completionScript(let shell): return print(shell.text())
      case .version: return print(HelpText.version)
      case .run(let invocation) where invocation.isCheck:
        let report = try CheckCommand.run(invocation, inherited())
        let status = print(report.text)
        return status == ExitStatus.success ? report.status : status
      case .run(let invocation): return try run(invocation, inherited())
      }
    } catch {
      Diagnostics.write(error.message)
      return error.status
    }
  }

  private static func print(_ text: String) -> Int32 {
    Diagnostics.write(text, to: STDOUT_FILENO) ? ExitStatus.success : ExitStatus.launcherFailed
  }

  private static func inherited() -> Environment {
    var entries: [ByteString] = []
    var next = environ
    while let entry = next.pointee {
      entries.append(ByteString(cString: entry))
      next += 1
    }
    return Environment(entries)
  }

  private static func run(_ invocation: OptionParser.Invocation, _ environment: Environment) throws(LaunchError) -> Int32 {
    let installation = AgentLocator.current()
    var plan = try LaunchPlan.make(
      invocation, environment: environment, installation: installation, isFirstProcess: getpid() == 1, isMachineOff: MachineSwitch.isOff)
    if plan.usesAgent, let installation {
      try installation.check()
      for problem in plan.environment.withBlock({ ConfigurationCheck.problems(in: $0) }) { Diagnostics.write(problem.message) }
    }
    let program = try ProgramLookup.find(plan.command[0], searchPath: plan.environment["PATH"])
    var obstacle: String?
    if plan.usesAgent, let installation {
      obstacle = inspect(program, &plan, installation)
      provideRelay(program, &plan, installation)
    }

    if plan.isViewed { return try ViewedRun(plan, program: program, obstacle: obstacle).run() }
    let image = ProgramImage(path: program, command: plan.command, environment: plan.environment)
    guard plan.staysAsInit else { throw image.execute() }
    var parent = ProgramParent(role: .firstProcess)
    try parent.start(image)
    let report = EndingReport(plan.environment, program: parent.program)
    let ending = parent.wait()
    report?.finish(ending)
    RelayDrain.wait(plan.environment, milliseconds: plan.exitTimeout)
    return parent.end(like: ending)
  }

  /// A program that cannot be traced is run all the same, and the user is told once why there will be no spans. Nil: nothing speaks
  /// against it.
  private static func inspect(_ program: ByteString, _ plan: inout LaunchPlan, _ installation: AgentLocator) -> String? {
    let searchPath = plan.environment["PATH"]
    let inspection = ProgramInspection(program, arguments: [ByteString](plan.command.dropFirst()), environment: plan.environment.entries) { name in
      try? ProgramLookup.find(name, searchPath: searchPath)
    }
    guard let obstacle = inspection.obstacle else { return nil }
    // A launcher in a launcher is static too, and says of its program itself what there is to say.
    if case .statically = obstacle, program.name == "otel-instrument" { return nil }
    let sentence = "\(inspection.subject) runs without the agent: \(obstacle.reason). \(obstacle.remedy)"
    Diagnostics.write(sentence)
    if obstacle.effect == .harmful { plan.removeAgent(installation) }
    return sentence
  }

  private static func provideRelay(_ program: ByteString, _ plan: inout LaunchPlan, _ installation: AgentLocator) {
    switch plan.relay {
    case .leave: break
    case .leaveToUser:
      let relay = Rendezvous(plan.environment)?.connect() ?? -1
      guard relay < 0 else {
        close(relay)
        return
      }
      Diagnostics.write(
        "no relay is running, and none is started as the child of a container's first process, so nothing is exported. "
          + "Leave out --no-init, or set OTEL_NATIVE_RELAY=start, or run a relay of your own.")
    case .findOrStart:
      switch RelayStarter.findOrStart(installation.relay, program: program.resolved, environment: plan.environment) {
      case .running: break
      case .failed(let reason): Diagnostics.write(reason)
      case .leavesOut:
        Diagnostics.write(
          "\(program) runs without the agent: it was killed by a signal right after its first span several times in a row, in case that was "
            + "the agent's fault. \(installation.relay) status tells until when, and how to switch it on again.")
        plan.removeAgent(installation)
      }
    }
  }
}
