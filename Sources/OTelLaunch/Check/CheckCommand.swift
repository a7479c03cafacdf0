@preconcurrency import Glibc
import OTelConfiguration
import OTelInspection

/// `otel-instrument --check program`: does all that a launch does before the program starts, and reports instead of starting it.
enum CheckCommand {
  /// Throws what a launch would end with before it knew the program.
  static func run(_ invocation: OptionParser.Invocation, _ inherited: Environment) throws(LaunchError) -> CheckReport {
    let installation = AgentLocator.current()
    let plan = try LaunchPlan.make(invocation, environment: inherited, installation: installation, isFirstProcess: getpid() == 1)
    let path = try ProgramLookup.find(plan.command[0], searchPath: plan.environment["PATH"])

    var report = CheckReport(name: String(describing: plan.command[0]))
    var program = ProgramReport(path, plan: plan)
    program.describe(agent: installation.flatMap { OpenFile($0.library) }.flatMap { ELFFile($0) })
    report.program = program.facts
    report.notes = program.notes + (installation.map { program.confinement($0.library) } ?? [])

    let settings = SettingsReport(plan.environment, options: invocation.assignments.map(\.name))
    report.settings = settings.lines
    report.tasks = program.tasks + settings.tasks

    var arrival = AgentReport(plan, installation)
    arrival.inspect(isLoaded: !program.isHarmed && program.failure == nil, exports: settings.silence == nil)
    report.agent = arrival.facts
    report.tasks += arrival.tasks
    report.failure = program.failure
    report.verdict = verdict(program, settings, arrival)
    return report
  }

  private static func verdict(_ program: ProgramReport, _ settings: SettingsReport, _ arrival: AgentReport) -> String {
    if let problem = program.breakage { return "cannot be run: \(problem)." }
    if let obstacle = program.obstacle { return "cannot be traced: \(obstacle.reason)." }
    if let problem = arrival.breakage { return "cannot be traced: \(problem)" }
    if let silence = settings.silence { return "will not be traced: \(silence)" }
    let calls = program.reached.filter { !settings.isSwitchedOff($0.call.instrumentation) }.map(\.call.title)
    let what =
      calls.isEmpty
      ? "the agent will be loaded, but no call that it traces was found in the program or its libraries"
      : "will be traced (" + calls.joined(separator: ", ") + ")"
    return what + "." + (arrival.tasks.isEmpty ? "" : " Its spans will not arrive: see To do.")
  }
}
