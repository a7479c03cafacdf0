@preconcurrency import Glibc
import OTelConfiguration
import OTelInspection

/// `otel-instrument --check program`: does all that a launch does before the program starts, and reports instead of starting it.
enum CheckCommand {
  /// Throws what a launch would end with before it knew the program.
  static func run(_ invocation: OptionParser.Invocation, _ inherited: Environment) throws(LaunchError) -> CheckReport {
    let installation = AgentLocator.current()
    let plan = try LaunchPlan.make(invocation, environment: inherited, installation: installation, isFirstProcess: getpid() == 1)
    var program: ProgramReport?
    if let name = plan.command.first {
      program = ProgramReport(try ProgramLookup.find(name, searchPath: plan.environment["PATH"]), plan: plan)
      program?.describe(agent: installation.flatMap { OpenFile($0.library) }.flatMap { ELFFile($0) })
    }
    return report(plan, installation, program, SettingsReport(plan.environment, options: invocation.assignments.map(\.name)))
  }

  private static func report(
    _ plan: LaunchPlan, _ installation: AgentLocator?, _ program: ProgramReport?, _ settings: SettingsReport
  ) -> CheckReport {
    var report = CheckReport(name: plan.command.first.map { "\($0)" } ?? "otel-instrument")
    report.program = program?.facts ?? []
    report.notes = (program?.notes ?? []) + (installation.flatMap { program?.confinement($0.library) } ?? [])
    report.settings = settings.lines
    report.tasks = (program?.tasks ?? []) + settings.tasks

    var arrival = AgentReport(plan, installation)
    arrival.inspect(isLoaded: program?.isLoaded ?? true, exports: settings.silence == nil)
    report.agent = arrival.facts
    report.tasks += arrival.tasks
    report.failure = program?.failure
    report.verdict = verdict(program, settings, arrival)
    return report
  }

  private static func verdict(_ program: ProgramReport?, _ settings: SettingsReport, _ arrival: AgentReport) -> String {
    if let problem = program?.breakage { return "cannot be run: \(problem)." }
    if let obstacle = program?.obstacle { return "cannot be traced: \(obstacle.reason)." }
    if let problem = arrival.breakage { return "cannot be traced: \(problem)" }
    if let silence = settings.silence { return "will not be traced: \(silence)" }
    let arrives = arrival.tasks.isEmpty ? "" : " Its spans will not arrive: see To do."
    guard let program else { return arrival.tasks.isEmpty ? "ready to trace a program." : "not ready: see To do." }
    let calls = program.reached.filter { !settings.isSwitchedOff($0.call.instrumentation) }.map(\.call.title)
    let what =
      calls.isEmpty
      ? "the agent will be loaded, but no call that it traces was found in the program or its libraries"
      : "will be traced (" + calls.joined(separator: ", ") + ")"
    return what + "." + arrives
  }
}
