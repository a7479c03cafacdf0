public import OTelPrimitives

/// Finds the values that are not what the specification says they are (configuration/common.md). Each is ignored by those who read it,
/// so none is an error; but a user who is not told searches for a long time.
///
/// Outside of hosts: this allocates.
public struct ConfigurationCheck {
  private let environment: EnvironmentBlock
  private var problems: [ConfigurationProblem] = []

  /// The problems in `environment`, in the order of the table; those of names that look mistyped last.
  public static func problems(in environment: EnvironmentBlock) -> [ConfigurationProblem] {
    var check = ConfigurationCheck(environment: environment)
    let table = EnvironmentVariable.table
    for variable in table {
      if let value = environment.value(variable.name) { check.examine(variable, value.trimmed) }
    }
    check.examineBatchSize()
    check.examineNames(table)
    return check.problems
  }

  private init(environment: EnvironmentBlock) { self.environment = environment }

  mutating func report(_ name: StaticString, _ text: String) {
    problems.append(ConfigurationProblem(name: String(name), message: String(name) + text))
  }

  /// `NAME="value" is <flaw>; <what applies now>. <remedy>`
  private mutating func refuse(_ variable: EnvironmentVariable, _ value: Text, _ flaw: String, _ remedy: String) {
    report(variable.name, "=" + String(quoting: value) + " " + flaw + "; " + variable.fallback + ". " + remedy)
  }

  private mutating func examine(_ variable: EnvironmentVariable, _ value: Text) {
    let before = problems.count
    examineValue(variable, value)
    guard problems.count == before, case .notYet = variable.support, !value.equalsIgnoringCase(variable.defaultText) else { return }
    report(variable.name, " is set but this version of otelagent does not support it yet; it has no effect, and the other variables apply. Unset it to silence this line.")
  }

  private mutating func examineValue(_ variable: EnvironmentVariable, _ value: Text) {
    switch variable.kind {
    case .boolean:
      guard ValueParser.boolean(value) == nil else { return }
      report(variable.name, "=" + String(quoting: value) + " is neither true nor false and counts as false. Write true or false.")
    case .integer(let least, let most):
      guard ValueParser.integer(value, least: least, most: most) == nil else { return }
      refuse(variable, value, "is not a whole number from \(least) to \(most)", "Write one, as digits alone, or unset it.")
    case .duration, .timeout:
      guard ValueParser.integer(value) == nil else { return }
      refuse(variable, value, "is not a number of milliseconds", "Write digits alone, without a sign or a unit: 5000 for five seconds.")
    case .choice(let choices): examineWord(variable, value, whole: value, choices)
    case .choices(let choices): examineWords(variable, value, choices)
    case .samplerArgument: examineSamplerArgument(variable, value)
    case .attributes: examineAttributes(variable, value)
    case .headers: examineHeaders(variable, value)
    case .url:
      guard EndpointURL(value) == nil else { return }
      report(
        variable.name, "=" + EndpointURL.redacted(value) + " is not a URL that begins with http:// or https:// and names a host; "
          + variable.fallback + ". Write for example http://localhost:4318.")
    case .relay:
      guard RelayChoice(value) == nil else { return }
      refuse(
        variable, value, "is none of auto, external, start, off, and not unix: with an absolute path of at most 107 bytes",
        "Write one of them.")
    case .headerNames: examineHeaderNames(variable, value)
    case .patterns: examinePatterns(variable, value)
    case .peerServices: examinePeerServices(variable, value)
    case .list, .path, .string: break
    }
  }

  /// Returns whether `word` is supported.
  @discardableResult
  private mutating func examineWord(
    _ variable: EnvironmentVariable, _ word: Text, whole: Text, _ choices: EnvironmentVariable.Choices
  ) -> Bool {
    for choice in choices.supported where word.equalsIgnoringCase(choice) { return true }
    var isKnown = false
    for choice in choices.known where word.equalsIgnoringCase(choice) { isKnown = true }
    let flaw = isKnown ? "is not supported by this version of otelagent yet" : "is not a known value"
    let result = word.count == whole.count ? variable.fallback : String(quoting: word) + " is left out"
    let subject = word.count == whole.count ? "=" + String(quoting: word) + " " + flaw : ": " + String(quoting: word) + " " + flaw
    report(variable.name, subject + "; " + result + ". Supported: " + choices.supported.joined + ".")
    return false
  }

  private mutating func examineWords(_ variable: EnvironmentVariable, _ value: Text, _ choices: EnvironmentVariable.Choices) {
    var items = ListItems(value)
    var count = 0
    var supported = 0
    var hasNone = false
    while let item = items.next() {
      count += 1
      let isSupported = examineWord(variable, item, whole: value, choices)
      if item.equalsIgnoringCase("none") { hasNone = true } else if isSupported { supported += 1 }
    }
    if count > 1, supported == 0, !hasNone {
      report(variable.name, "=" + String(quoting: value) + " names nothing that is supported; " + variable.fallback + ".")
    }
    if hasNone, supported > 0 {
      report(variable.name, "=" + String(quoting: value) + " names none beside others; none is left out. Write none alone, or leave it out.")
    }
  }

  /// "OTEL_TRACES_SAMPLER_ARG: … only used if OTEL_TRACES_SAMPLER is set … Invalid or unrecognized input MUST be logged and MUST be
  /// otherwise ignored" (configuration/sdk-environment-variables.md).
  private mutating func examineSamplerArgument(_ variable: EnvironmentVariable, _ value: Text) {
    guard let sampler = environment.value("OTEL_TRACES_SAMPLER")?.trimmed else {
      report(variable.name, " is set and OTEL_TRACES_SAMPLER is not, so it has no effect. Set OTEL_TRACES_SAMPLER=parentbased_traceidratio too, "
          + "or unset it.")
      return
    }
    guard sampler.equalsIgnoringCase("traceidratio") || sampler.equalsIgnoringCase("parentbased_traceidratio"),
      ValueParser.probability(value) == nil
    else { return }
    refuse(variable, value, "is not a number from 0 to 1", "Write for example 0.1 to record a tenth of all traces.")
  }

  /// "In case of any error, e.g. failure during the decoding process, the entire environment variable value SHOULD be discarded and an
  /// error SHOULD be reported" (resource/sdk.md).
  private mutating func examineAttributes(_ variable: EnvironmentVariable, _ value: Text) {
    var members = KeyValueList(value)
    while let member = members.next() {
      guard case .malformed(let flaw) = member else { continue }
      refuse(
        variable, value, "is malformed: its " + ordinal(members.position) + " pair " + flaw.description,
        "None of its attributes is used. Write key=value,key=value, with ',' as %2C, '=' as %3D and '%' as %25 inside of a value.")
      return
    }
  }

  /// Says where a mistake is and never what: what was meant as a header's value may be a key or a password.
  private mutating func examineHeaders(_ variable: EnvironmentVariable, _ value: Text) {
    var members = KeyValueList(value)
    while let member = members.next() {
      let flaw: String
      switch member {
      case .malformed(let kind): flaw = kind.description
      case .pair(let key, _) where !HeaderField.isName(key): flaw = "has a name that no header may have"
      case .pair(_, let content) where !HeaderField.isValue(percentEncoded: content): flaw = "has a control character in its value"
      case .pair: continue
      }
      report(
        variable.name, " is malformed: its " + ordinal(members.position) + " pair " + flaw
          + "; that pair is left out and the others are sent. Write name=value,name=value, with ',' as %2C and '%' as %25 inside of a value.")
    }
  }

  private mutating func examineBatchSize() {
    for (batch, queue) in batchAndQueue {
      guard let size = environment.value(batch).flatMap({ ValueParser.integer($0, least: 1) }) else { continue }
      let room = environment.value(queue).flatMap { ValueParser.integer($0, least: 1) } ?? 2048
      guard size > room else { continue }
      let applied: UInt64 = min(512, room)
      report(
        batch, "=\"\(size)\" is more than " + String(queue) + ", which is \(room); batches of \(applied) are sent. "
          + "Lower the one or raise the other.")
    }
  }

  private var batchAndQueue: [(StaticString, StaticString)] {
    [
      ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "OTEL_BSP_MAX_QUEUE_SIZE"), ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "OTEL_BLRP_MAX_QUEUE_SIZE"),
    ]
  }

  /// A name two letters away from a known one is a slip; anything else may be another SDK's.
  private mutating func examineNames(_ table: [EnvironmentVariable]) {
    let names = table.map { Text($0.name) }
    var entries = environment.entries
    while let entry = entries.next() {
      guard entry.hasPrefix("OTEL_"), let end = entry.firstIndex(of: 0x3d) else { continue }
      let name = entry.slice(0, end)
      guard !names.contains(where: { $0.equals(name) }), let meant = NameSuggestion.nearest(to: name, among: names, limit: 2)
      else { continue }
      // The name is anybody's text, as values are.
      let shown = String(String(quoting: name).dropFirst().dropLast())
      problems.append(
        ConfigurationProblem(
          name: shown, message: shown + " is not a variable that otelagent knows; it has no effect. Did you mean " + String(meant) + "?"))
    }
  }

  func ordinal(_ number: Int) -> String {
    switch number {
    case 1: "1st"
    case 2: "2nd"
    case 3: "3rd"
    default: "\(number)th"
    }
  }
}

extension EnvironmentVariable {
  /// What applies when the value is ignored.
  fileprivate var fallback: String {
    Text(defaultText).isEmpty ? "it counts as unset" : "the default " + String(defaultText) + " applies"
  }
}

extension [StaticString] {
  fileprivate var joined: String {
    var text = ""
    for word in self { text += (text.isEmpty ? "" : ", ") + String(word) }
    return text
  }
}

extension KeyValueList.Flaw {
  fileprivate var description: String {
    switch self {
    case .noEqualsSign: "has no '='"
    case .noKey: "has nothing before its '='"
    case .badEncoding: "has a '%' that two hexadecimal digits do not follow"
    }
  }
}
