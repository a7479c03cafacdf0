package import OTelConfiguration
package import OTelInspection
import OTelPrimitives

/// Reads `[options] program [arguments]`. A pure function of the arguments and the table.
///
/// The options come from the table of variables, which the declarative style of swift-argument-parser cannot express; and the launcher
/// starts with every program, so that the time of its own start counts.
package struct OptionParser {
  package enum Command: Equatable {
    case help, markdownHelp, manualHelp, version
    case completionScript(CompletionScript)
    case run(Invocation)
  }

  package struct Invocation: Equatable {
    /// Variables given as options, in their order; a later one wins.
    package var assignments: [Assignment] = []
    package var mayStayAsInit = true
    /// Show the traces when the program has ended, instead of exporting them.
    package var isViewed = false
    /// `--check`: say what would be, and run nothing.
    package var isCheck = false
    /// The program's name and its arguments. Empty for a check of the settings alone.
    package var command: [ByteString] = []
  }

  package struct Assignment: Equatable {
    package var name: ByteString
    package var value: ByteString
  }

  private let names: [(spelling: ByteString, variable: EnvironmentVariable)]

  package init(table: [EnvironmentVariable] = EnvironmentVariable.table) {
    names = table.flatMap { variable in OptionName.spellings(of: variable).map { ($0, variable) } }
  }

  /// - Parameter arguments: without the launcher's own name.
  package func parse(_ arguments: [ByteString]) throws(LaunchError) -> Command {
    var invocation = Invocation()
    var rest = arguments[...]
    while let argument = rest.first {
      // A single "-" is a program's name like any other: the launcher has no use for it.
      guard argument.hasPrefix("-"), argument != "-" else { break }
      rest.removeFirst()
      switch argument {
      case "--": return .run(try with(command: rest, invocation, optionBefore: nil))
      case "-h", "--help": return .help
      case "--help-markdown": return .markdownHelp
      case "--help-mdoc": return .manualHelp
      case "--version": return .version
      case "--generate-completion-script": return .completionScript(try shell(rest.first))
      case "--check": invocation.isCheck = true
      case "--no-init", "--no_init": invocation.mayStayAsInit = false
      case "--view": invocation.isViewed = true
      case _ where argument.hasPrefix("--generate-completion-script="):
        return .completionScript(try shell(ByteString(argument.bytes.dropFirst("--generate-completion-script=".utf8.count))))
      default:
        let assignment = try parseOption(argument, &rest)
        invocation.assignments.append(assignment)
        if rest.isEmpty { return .run(try with(command: rest, invocation, optionBefore: argument)) }
      }
    }
    return .run(try with(command: rest, invocation, optionBefore: nil))
  }

  private func shell(_ name: ByteString?) throws(LaunchError) -> CompletionScript {
    if let name, let shell = CompletionScript.allCases.first(where: { name == ByteString($0.rawValue) }) { return shell }
    let given = name.map { ", not \($0.quoted)" } ?? ""
    throw LaunchError(ExitStatus.usage, "--generate-completion-script needs a shell, bash, zsh or fish\(given).")
  }

  private func with(command: ArraySlice<ByteString>, _ invocation: Invocation, optionBefore: ByteString?) throws(LaunchError) -> Invocation {
    guard let program = command.first else {
      // The settings alone can be checked too.
      if invocation.isCheck { return invocation }
      var message = "no program to run. Usage: otel-instrument [options] program [arguments]; otel-instrument --help lists the options."
      if let option = optionBefore, !option.contains("="), let value = invocation.assignments.last?.value {
        message += " (\(value.quoted) was taken as the value of \(option).)"
      }
      throw LaunchError(ExitStatus.usage, message)
    }
    guard !invocation.isViewed || invocation.mayStayAsInit else {
      throw LaunchError(ExitStatus.usage, "--view and --no-init exclude each other: a view needs somebody who stays until the program has ended.")
    }
    guard !program.isEmpty else { throw LaunchError(ExitStatus.notFound, "the program's name is empty.") }
    var complete = invocation
    complete.command = [ByteString](command)
    return complete
  }

  private func parseOption(_ argument: ByteString, _ rest: inout ArraySlice<ByteString>) throws(LaunchError) -> Assignment {
    let equals = argument.bytes.firstIndex(of: UInt8(ascii: "="))
    let written = ByteString(argument.bytes[..<(equals ?? argument.bytes.count)])
    let spelling = OptionName.normalized(ByteString(written.bytes.dropFirst(2)))
    guard argument.hasPrefix("--"), let variable = names.first(where: { $0.spelling == spelling })?.variable else {
      throw LaunchError(ExitStatus.usage, "there is no option \(written.quoted).\(suggestion(for: written)) otel-instrument --help lists them all.")
    }
    let name = ByteString(Text(variable.name))
    if let equals { return Assignment(name: name, value: ByteString(argument.bytes[(equals + 1)...])) }
    guard let value = rest.popFirst() else {
      throw LaunchError(ExitStatus.usage, "the option \(written) needs a value: \(written)=\(variable.kind.placeholder).")
    }
    return Assignment(name: name, value: value)
  }

  private func suggestion(for written: ByteString) -> String {
    var spelling = OptionName.normalized(ByteString(written.bytes.drop { $0 == UInt8(ascii: "-") }))
    // Written with the whole name of the variable.
    spelling = ByteString(spelling.bytes.map { Text.lowercased($0) })
    if spelling.hasPrefix("otel-") { spelling = ByteString(spelling.bytes.dropFirst(5)) }
    let known = ["help", "version", "check", "no-init", "view", "generate-completion-script"] + names.map(\.spelling)
    // The joined bytes keep every name alive while the texts point to them.
    return ByteString(known.flatMap(\.bytes)).withText { all in
      var candidates: [Text] = []
      var start = 0
      for name in known {
        candidates.append(all.slice(start, start + name.bytes.count))
        start += name.bytes.count
      }
      return spelling.withText { text in
        guard let meant = NameSuggestion.nearest(to: text, among: candidates, limit: 3) else { return "" }
        return " Did you mean --\(String(meant))?"
      }
    }
  }
}

extension EnvironmentVariable.Kind {
  /// What stands for the value in help and messages.
  package var placeholder: String {
    switch self {
    case .boolean: "true|false"
    case .integer: "<number>"
    case .duration, .timeout: "<milliseconds>"
    case .choice, .choices: "<name>"
    case .samplerArgument: "<0...1>"
    case .attributes, .headers: "<key=value,...>"
    case .url: "<url>"
    case .relay: "<which>"
    case .list, .headerNames: "<name,...>"
    case .patterns: "<regex,...>"
    case .peerServices: "<host=name,...>"
    case .path: "<file>"
    case .string: "<text>"
    }
  }
}
