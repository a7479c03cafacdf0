import OTelConfiguration
package import OTelInspection
import OTelPrimitives

/// What the launcher is going to do, decided from arguments and environment alone.
package struct LaunchPlan: Equatable {
  /// The program's name as it was given, and its arguments.
  package var command: [ByteString]
  package var environment: Environment
  package var usesAgent: Bool
  package var relay: Relay
  /// Stay as the program's init, instead of becoming the program.
  package var staysAsInit: Bool
  /// Stay as the program's parent and show its traces; its relay is the launcher itself.
  package var isViewed: Bool
  /// How long the init waits for the relay to export, in milliseconds.
  package var exitTimeout: UInt64

  package enum Relay: Equatable {
    /// Start one when none is there.
    case findOrStart
    /// None that this launcher has to see to.
    case leave
    /// `leave`, though there may be none: the program will be the container's first process, whose child a relay would become.
    case leaveToUser
  }

  /// - Parameters:
  ///   - installation: nil when it could not be found, which is an error only for a plan that uses the agent.
  ///   - isFirstProcess: whether the launcher's pid is 1.
  ///   - isMachineOff: whether `MachineSwitch` says so.
  package static func make(
    _ invocation: OptionParser.Invocation, environment original: Environment, installation: AgentLocator?, isFirstProcess: Bool,
    isMachineOff: Bool = false
  ) throws(LaunchError) -> LaunchPlan {
    var environment = original
    for assignment in invocation.assignments { environment.set(assignment.name, assignment.value) }
    let settings = environment.withBlock { Settings($0) }

    var plan = LaunchPlan(
      command: invocation.command, environment: environment, usesAgent: !settings.isDisabled && !isMachineOff, relay: .leave, staysAsInit: false,
      isViewed: invocation.isViewed, exitTimeout: settings.exitTimeout)
    guard plan.usesAgent else {
      if let installation { plan.removeAgent(installation) }
      return plan
    }
    guard let installation else {
      throw LaunchError(
        ExitStatus.launcherFailed,
        "cannot find its own installation, because /proc is not mounted; nothing was run. Mount /proc, or set LD_PRELOAD to the path of "
          + "libotelagent.so without otel-instrument.")
    }
    plan.environment.set(
      "LD_PRELOAD", PreloadList.adding(installation.library, to: environment["LD_PRELOAD"], isSame: installation.isLibrary))
    plan.staysAsInit = isFirstProcess && invocation.mayStayAsInit
    if settings.mayStartRelay, !plan.isViewed {
      let becomesFirstProcess = isFirstProcess && !plan.staysAsInit
      plan.relay = becomesFirstProcess && !settings.mustStartRelay ? .leaveToUser : .findOrStart
    }
    return plan
  }

  /// Takes the agent out of the program's environment, and nothing else.
  package mutating func removeAgent(_ installation: AgentLocator) {
    usesAgent = false
    relay = .leave
    guard let list = environment["LD_PRELOAD"] else { return }
    if let others = PreloadList.removing(from: list, isSame: installation.isLibrary) {
      environment.set("LD_PRELOAD", others)
    } else {
      environment.remove("LD_PRELOAD")
    }
  }
}

/// What the launcher itself reads of the configuration. Wrong values count as unset; `ConfigurationCheck` tells the user.
private struct Settings {
  var isDisabled = false
  var mayStartRelay = false
  var mustStartRelay = false
  var exitTimeout: UInt64 = 2000

  init(_ environment: EnvironmentBlock) {
    isDisabled = Settings.isTrue(environment.value("OTEL_NATIVE_DISABLED"))
    if let value = environment.value("OTEL_NATIVE_EXIT_TIMEOUT"), let milliseconds = ValueParser.integer(value) { exitTimeout = milliseconds }
    let relaysNothing =
      Settings.isTrue(environment.value("OTEL_SDK_DISABLED"))
      || !TraceExporters(environment.value("OTEL_TRACES_EXPORTER")).otlp
    switch environment.value("OTEL_NATIVE_RELAY").flatMap({ RelayChoice($0) }) ?? .automatic {
    case .automatic: mayStartRelay = !relaysNothing
    case .start:
      mayStartRelay = !relaysNothing
      mustStartRelay = true
    case .path, .external, .off: break
    }
  }

  private static func isTrue(_ value: Text?) -> Bool { value.flatMap { ValueParser.boolean($0) } == true }
}
