import OTelConfiguration
import OTelInspection
import OTelPrimitives

/// The part of a report that is about the configuration: what holds, who says so, and what is wrong with it. Shows nothing secret.
struct SettingsReport {
  private(set) var lines: [String] = []
  private(set) var tasks: [String] = []
  /// Why nothing at all is recorded; a sentence, with the remedy.
  private(set) var silence: String?
  private var switchedOff: [String] = []

  /// - Parameters:
  ///   - environment: of the program, the options in it.
  ///   - options: the variables that were given as options.
  init(_ environment: Environment, options: [ByteString]) {
    environment.withBlock { block in
      let problems = ConfigurationCheck.problems(in: block)
      for variable in EnvironmentVariable.table {
        if let line = SettingsReport.line(variable, block, options, problems) { lines.append(line) }
      }
      silence = SettingsReport.silence(block)
      if let silence { tasks.append(silence) }
      tasks += problems.map(\.message)
      if let list = block.value("OTEL_NATIVE_DISABLED_INSTRUMENTATIONS") {
        var items = ListItems(list)
        while let item = items.next() { switchedOff.append(String(item).lowercased()) }
      }
    }
  }

  func isSwitchedOff(_ instrumentation: ByteString) -> Bool {
    switchedOff.contains("*") || switchedOff.contains("\(instrumentation)")
  }

  // MARK: A line

  /// Shown also when nobody has set them.
  private static let essential: [StaticString] = [
    "OTEL_SERVICE_NAME", "OTEL_TRACES_EXPORTER", "OTEL_TRACES_SAMPLER", "OTEL_PROPAGATORS", "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_NATIVE_RELAY",
  ]

  private static func line(
    _ variable: EnvironmentVariable, _ environment: EnvironmentBlock, _ options: [ByteString], _ problems: [ConfigurationProblem]
  ) -> String? {
    let name = Text(variable.name)
    if let value = environment.value(name) {
      let origin = options.contains(ByteString(name)) ? "option" : "environment"
      let doubt = problems.contains { $0.name == String(name) } ? "; see below" : ""
      return "\(String(name)) = \(shown(value, variable.kind)) (\(origin)\(doubt))"
    }
    guard essential.contains(where: { Text($0).equals(name) }) else { return nil }
    for index in 0..<DistributionDefaults.count {
      let entry = Text(DistributionDefaults.entry(index))
      if entry.hasPrefix(name), entry[name.count] == 0x3d {
        return "\(String(name)) = \(String(quoting: entry.from(name.count + 1))) (otelagent's default)"
      }
    }
    let owner = variable.source == .otelagent ? "otelagent" : "specification"
    return "\(String(name)) = \(String(quoting: Text(variable.defaultText))) (\(owner)'s default)"
  }

  private static func shown(_ value: Text, _ kind: EnvironmentVariable.Kind) -> String {
    switch kind {
    case .headers: headers(value)
    case .url: EndpointURL.redacted(value.trimmed)
    default: String(quoting: value)
    }
  }

  /// The names alone: a value may be a key. What is no proper pair may be part of one, and is not shown either.
  private static func headers(_ value: Text) -> String {
    var names: [String] = []
    var members = KeyValueList(value)
    while let member = members.next() {
      if case .pair(let key, _) = member, HeaderField.isName(key) { names.append(String(key)) }
    }
    return names.isEmpty ? "(not shown)" : names.joined(separator: ", ") + " (values not shown)"
  }

  // MARK: Nothing

  private static func silence(_ environment: EnvironmentBlock) -> String? {
    func isTrue(_ name: StaticString) -> Bool { environment.value(name).flatMap { ValueParser.boolean($0) } == true }
    func has(_ name: StaticString, _ word: StaticString) -> Bool {
      guard let list = environment.value(name) else { return false }
      var items = ListItems(list)
      while let item = items.next() {
        if item.equalsIgnoringCase(word) { return true }
      }
      return false
    }
    if MachineSwitch.isOff { return "\(MachineSwitch.sentence) \(MachineSwitch.remedy)" }
    if isTrue("OTEL_NATIVE_DISABLED") { return "OTEL_NATIVE_DISABLED=true switches the agent off. Unset it." }
    if isTrue("OTEL_SDK_DISABLED") { return "OTEL_SDK_DISABLED=true switches telemetry off. Unset it." }
    let exporters = TraceExporters(environment.value("OTEL_TRACES_EXPORTER"))
    if !exporters.otlp, !exporters.console {
      return "OTEL_TRACES_EXPORTER=none sends spans nowhere. Unset it."
    }
    if !exporters.console, let relay = environment.value("OTEL_NATIVE_RELAY").flatMap({ RelayChoice($0) }), case .off = relay {
      return "OTEL_NATIVE_RELAY=off records nothing. Unset it."
    }
    if has("OTEL_NATIVE_DISABLED_INSTRUMENTATIONS", "*") {
      return "OTEL_NATIVE_DISABLED_INSTRUMENTATIONS=* leaves all instrumentations out. Unset it."
    }
    return SamplingVerdict.silence(environment)
  }
}
