import OTelInspection
import Testing

@testable import OTelLaunch

@Suite struct LaunchPlanTests {
  private let installation = AgentLocator(launcher: "/opt/otel/bin/otel-instrument")

  private func plan(
    _ environment: [ByteString], options: [(ByteString, ByteString)] = [], isFirstProcess: Bool = false, mayStayAsInit: Bool = true
  ) throws -> LaunchPlan {
    let invocation = OptionParser.Invocation(
      assignments: options.map { .init(name: $0.0, value: $0.1) }, mayStayAsInit: mayStayAsInit, command: ["p", "a"])
    return try LaunchPlan.make(
      invocation, environment: Environment(environment), installation: installation, isFirstProcess: isFirstProcess)
  }

  @Test func locatesTheInstallation() {
    #expect(installation.library == "/opt/otel/lib/otelagent/libotelagent.so")
    #expect(installation.relay == "/opt/otel/lib/otelagent/otel-relay")
    #expect(AgentLocator(launcher: "/bin/otel-instrument").library == "/lib/otelagent/libotelagent.so")
  }

  @Test func theAgentComesFirstAndTheRestStays() throws {
    #expect(try plan(["A=1"]).environment.entries == ["A=1", "LD_PRELOAD=/opt/otel/lib/otelagent/libotelagent.so"])
    #expect(
      try plan(["LD_PRELOAD=/a.so /b.so:c.so", "A=1"]).environment.entries
        == ["LD_PRELOAD=/opt/otel/lib/otelagent/libotelagent.so:/a.so /b.so:c.so", "A=1"])
    let again: [ByteString] = ["LD_PRELOAD=/a.so /opt/otel/lib/otelagent/libotelagent.so"]
    #expect(try plan(again).environment.entries == again)
  }

  @Test func optionsWin() throws {
    let environment = try plan(
      ["OTEL_SERVICE_NAME=a", "X=1", "OTEL_SERVICE_NAME=b"], options: [("OTEL_SERVICE_NAME", "c"), ("OTEL_LOG_LEVEL", "debug")]
    ).environment
    #expect(
      environment.entries == ["OTEL_SERVICE_NAME=c", "X=1", "OTEL_LOG_LEVEL=debug", "LD_PRELOAD=/opt/otel/lib/otelagent/libotelagent.so"])
  }

  @Test func disabledMeansBare() throws {
    let bare = try plan(["OTEL_NATIVE_DISABLED=True", "A=1"], isFirstProcess: true)
    #expect(bare.environment.entries == ["OTEL_NATIVE_DISABLED=True", "A=1"])
    #expect(!bare.usesAgent && !bare.staysAsInit && bare.relay == .leave)
    let others = try plan(["LD_PRELOAD=/a.so:/opt/otel/lib/otelagent/libotelagent.so /b.so"], options: [("OTEL_NATIVE_DISABLED", "true")])
    #expect(others.environment["LD_PRELOAD"] == "/a.so:/b.so")
    #expect(try plan(["OTEL_NATIVE_DISABLED=1"]).usesAgent)
  }

  @Test(arguments: [
    ("", LaunchPlan.Relay.findOrStart), ("OTEL_NATIVE_RELAY=nonsense", .findOrStart), ("OTEL_NATIVE_RELAY=start", .findOrStart),
    ("OTEL_NATIVE_RELAY=external", .leave), ("OTEL_NATIVE_RELAY=off", .leave), ("OTEL_NATIVE_RELAY=unix:/run/r", .leave),
    ("OTEL_TRACES_EXPORTER=none", .leave), ("OTEL_SDK_DISABLED=true", .leave), ("OTEL_TRACES_EXPORTER=otlp", .findOrStart),
    ("OTEL_TRACES_EXPORTER=console", .leave), ("OTEL_TRACES_EXPORTER= console ,none", .leave), ("OTEL_TRACES_EXPORTER=none,none", .leave),
    ("OTEL_TRACES_EXPORTER=console,otlp", .findOrStart), ("OTEL_TRACES_EXPORTER=none,otlp", .findOrStart), ("OTEL_TRACES_EXPORTER=nonsense", .findOrStart),
  ])
  func startsARelayWhereOneIsWanted(_ entry: String, _ relay: LaunchPlan.Relay) throws {
    #expect(try plan([ByteString(entry)]).relay == relay)
  }

  @Test func theFirstProcessStaysAsInit() throws {
    #expect(try plan([], isFirstProcess: true).staysAsInit)
    #expect(try plan([], isFirstProcess: true).relay == .findOrStart)
    #expect(try plan([], isFirstProcess: false).staysAsInit == false)
    let without = try plan([], isFirstProcess: true, mayStayAsInit: false)
    #expect(!without.staysAsInit && without.relay == .leaveToUser)
    #expect(try plan(["OTEL_NATIVE_RELAY=start"], isFirstProcess: true, mayStayAsInit: false).relay == .findOrStart)
  }

  @Test func aViewHasNoOtherRelay() throws {
    var invocation = OptionParser.Invocation(command: ["p"])
    invocation.isViewed = true
    let plan = try LaunchPlan.make(invocation, environment: Environment(["OTEL_NATIVE_RELAY=start"]), installation: installation, isFirstProcess: false)
    #expect(plan.isViewed && plan.usesAgent && plan.relay == .leave)
    let disabled = try LaunchPlan.make(invocation, environment: Environment(["OTEL_NATIVE_DISABLED=true"]), installation: installation, isFirstProcess: false)
    #expect(disabled.isViewed && !disabled.usesAgent)
  }

  @Test func exitTimeout() throws {
    #expect(try plan([]).exitTimeout == 2000)
    #expect(try plan(["OTEL_NATIVE_EXIT_TIMEOUT=0"]).exitTimeout == 0)
    #expect(try plan(["OTEL_NATIVE_EXIT_TIMEOUT=2s"]).exitTimeout == 2000)
  }

  @Test func withoutAnInstallationOnlyTheBareRunIsPossible() throws {
    let invocation = OptionParser.Invocation(command: ["p"])
    #expect(throws: LaunchError.self) {
      try LaunchPlan.make(invocation, environment: Environment([]), installation: nil, isFirstProcess: false)
    }
    let bare = try LaunchPlan.make(
      invocation, environment: Environment(["OTEL_NATIVE_DISABLED=true"]), installation: nil, isFirstProcess: false)
    #expect(!bare.usesAgent)
  }

  @Test func theRelayGetsAShortEnvironment() {
    let environment = Environment(["LD_PRELOAD=/a", "PATH=/bin", "OTEL_EXPORTER_OTLP_HEADERS=k=v", "no_proxy=x", "malformed"])
    #expect(RelayStarter.relayEnvironment(of: environment) == ["PATH=/bin", "no_proxy=x"])
  }
}

@Suite struct PreloadListTests {
  @Test(arguments: ["/opt/my tools/lib/x.so", "/opt/a:b/x.so", "/opt/$LIB/x.so"])
  func cannotExpress(_ path: String) { #expect(!PreloadList.canExpress(ByteString(path))) }

  @Test func canExpress() { #expect(PreloadList.canExpress("/opt/otel-1.0_x/ü/x.so")) }

  @Test func removes() {
    let isSame = { (entry: ByteString) in entry == "/x" }
    #expect(PreloadList.removing(from: "/x", isSame: isSame) == nil)
    #expect(PreloadList.removing(from: "/x: /x", isSame: isSame) == nil)
    #expect(PreloadList.removing(from: "a  b:/x:c", isSame: isSame) == "a:b:c")
    #expect(PreloadList.removing(from: " a  b:", isSame: isSame) == " a  b:")
  }
}

@Suite struct EnvironmentTests {
  @Test func keepsWhatItDoesNotUnderstand() {
    var environment = Environment(["=x", "novalue", "A=1", "AB=2", "A=3", ""])
    environment.set("A", "4")
    #expect(environment.entries == ["=x", "novalue", "A=4", "AB=2", ""])
    #expect(environment["A"] == "4" && environment["AB"] == "2" && environment["B"] == nil)
    environment.remove("A")
    #expect(environment.entries == ["=x", "novalue", "AB=2", ""])
  }
}
