@preconcurrency import Glibc
import OTelConfiguration
import OTelInspection
import OTelPrimitives

/// The part of a report that is about what a program's spans need: the agent's file, a relay, a collector that answers.
struct AgentReport {
  private(set) var facts: [CheckReport.Fact] = []
  private(set) var tasks: [String] = []
  /// Why the launcher would run nothing at all.
  private(set) var breakage: String?
  private let plan: LaunchPlan
  private let installation: AgentLocator?

  /// As long as an export may take by default, and a little.
  private static let longestAnswer: UInt64 = 12_000

  init(_ plan: LaunchPlan, _ installation: AgentLocator?) {
    self.plan = plan
    self.installation = installation
  }

  /// - Parameters:
  ///   - isLoaded: false: the launcher takes the agent out of the program's environment.
  ///   - exports: false: nothing is recorded, so that nobody need be asked.
  mutating func inspect(isLoaded: Bool, exports: Bool) {
    guard let installation else { return }
    facts.append(.init(label: "library", text: "\(installation.library)"))
    do throws(LaunchError) { try installation.check() } catch {
      breakage = error.message
      tasks.append(sentence(error.message))
      return
    }
    guard exports else { return }
    if isLoaded, let list = plan.environment["LD_PRELOAD"] { facts.append(.init(label: "LD_PRELOAD", text: "\(list)")) }
    if plan.environment.withBlock({ AgentReport.writesToConsoleAlone($0) }) {
      facts.append(.init(label: "destination", text: "the program's standard error; no relay is needed"))
      return
    }
    guard !plan.isViewed else {
      facts.append(.init(label: "destination", text: "no collector: --view shows the traces here"))
      return
    }
    inspectRelay(installation)
    inspectDestination(installation)
  }

  private static func writesToConsoleAlone(_ environment: EnvironmentBlock) -> Bool {
    let exporters = TraceExporters(environment.value("OTEL_TRACES_EXPORTER"))
    guard exporters.console else { return false }
    if case .off? = environment.value("OTEL_NATIVE_RELAY").flatMap({ RelayChoice($0) }) { return true }
    return !exporters.otlp
  }

  private mutating func inspectRelay(_ installation: AgentLocator) {
    guard let rendezvous = Rendezvous(plan.environment) else { return }
    switch RelayProbe.ask(rendezvous) {
    case .running(let place, let status): facts.append(.init(label: "relay", text: "listens at \(place) (\(status))"))
    case .silent(let place):
      fail("relay", "listens at \(place) and does not answer", "The relay at \(place) does not answer; is it stopped? Let it continue, or end it.")
    case .nobody(let places):
      let all = places.map { "\($0)" }.joined(separator: " and ")
      switch plan.relay {
      case .findOrStart where installation.relay.withCString { access($0, X_OK) } == 0:
        facts.append(.init(label: "relay", text: "none yet: one will be started"))
      case .findOrStart:
        fail("relay", "none, and \(installation.relay) cannot be executed", "The relay \(installation.relay) cannot be executed. Install otelagent again.")
      case .leaveToUser:
        fail(
          "relay", "none, and none is started as the child of a container's first process",
          "No relay is running. Leave out --no-init, or set OTEL_NATIVE_RELAY=start, or run a relay of your own.")
      case .leave:
        fail(
          "relay", "none listens at \(all), and none is started",
          "No relay listens at \(all), and OTEL_NATIVE_RELAY says that none is to be started. Run \(installation.relay) there, or unset it.")
      }
    }
  }

  /// The relay's own executable asks, with the program's settings: it has the network code, and it knows what a right answer is.
  private mutating func inspectDestination(_ installation: AgentLocator) {
    if let exporters = plan.environment["OTEL_TRACES_EXPORTER"], !exporters.isEmpty, !exporters.split(",", " ").contains(where: isOTLP) {
      facts.append(.init(label: "destination", text: "no collector: OTEL_TRACES_EXPORTER=\(exporters)"))
      return
    }
    let environment = plan.environment.entries.filter { entry in
      entry.hasPrefix("OTEL_") || entry.withText { RelayEnvironment.isKept($0) }
    }
    let output = CommandOutput.of(installation.relay, ["check"], environment: environment, milliseconds: AgentReport.longestAnswer)
    let answer = output?.lines.first
    switch (output, output?.status) {
    case (_, 0): facts.append(.init(label: "destination", text: (answer ?? "answers") + distance))
    case (_, 1):
      let text = answer ?? "does not answer"
      // The last of its remarks is what could be done.
      fail("destination", text, "The destination does not take spans: \(text)" + (output?.remarks.last.map { "; " + $0 } ?? ""))
    case (nil, _): fail("destination", "not asked", "\(installation.relay) could not be started, so the destination was not asked. Install otelagent again.")
    case (_, nil):
      fail(
        "destination", "no answer within \(AgentReport.longestAnswer / 1000) s",
        "The destination did not answer within \(AgentReport.longestAnswer / 1000) s. Is OTEL_EXPORTER_OTLP_ENDPOINT right, and is there a firewall?")
    case (_, let status?):
      fail(
        "destination", "not asked",
        "\(installation.relay) check failed with status \(status)" + (output?.remarks.first.map { " (\($0))" } ?? "")
          + ", so the destination was not asked. Install otelagent again.")
    }
  }

  private func isOTLP(_ exporter: ByteString) -> Bool { exporter.withText { $0.equalsIgnoringCase("otlp") } }

  /// A relay at a path may be in another container.
  private var distance: String {
    plan.environment["OTEL_NATIVE_RELAY"]?.hasPrefix("unix:") == true ? " (asked from here, and not by the relay)" : ""
  }

  private mutating func fail(_ label: String, _ fact: String, _ task: String) {
    facts.append(.init(label: label, text: fact))
    tasks.append(task)
  }

  private func sentence(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }
}
