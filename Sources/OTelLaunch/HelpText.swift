package import OTelConfiguration
import OTelPrimitives

/// What `--help` prints: 80 columns, the variables from their table.
package enum HelpText {
  package static let version = "otel-instrument \(Version.current)\n"

  package static func plain(_ table: [EnvironmentVariable] = EnvironmentVariable.table) -> String {
    var text = introduction
    for group in EnvironmentVariable.Group.allCases {
      text += "\n" + String(group.title) + ":\n"
      if case .metricsAndLogs = group {
        text += wrapped("Neither is produced by this version. These are accepted and checked, and have no effect.", indent: 2)
      }
      for variable in table where variable.group == group { text += entry(variable) }
    }
    return text + exitStatus
  }

  private static func entry(_ variable: EnvironmentVariable) -> String {
    let option = "\(OptionName.spellings(of: variable)[0])"
    let defaultText = Text(variable.defaultText).isEmpty ? "" : " Default: " + String(variable.defaultText) + "."
    // On a line of its own where both are longer than one.
    let gap = option.utf8.count + variable.kind.placeholder.utf8.count + 5 > 80 ? "\n    " : ""
    let name = String(variable.name) + "."
    let isLong = name.utf8.count + 8 > 80
    return "  --\(option)=\(gap)\(variable.kind.placeholder)\n" + (isLong ? "  \(name)\n" : "")
      + wrapped((isLong ? "" : name + " ") + describe(variable) + defaultText, indent: 8)
  }

  /// The help with the words of an enumeration, and whether there is an effect.
  static func describe(_ variable: EnvironmentVariable) -> String {
    var text = String(variable.help)
    if let choices = variable.kind.choices, case .honoured = variable.support, !choices.isNamed(in: text) {
      text += " " + choices.supported.map { String($0) }.joined(separator: ", ") + "."
    }
    if case .notYet = variable.support { text += " Not supported yet." }
    return text
  }

  private static func wrapped(_ text: String, indent: Int) -> String {
    let margin = String(repeating: " ", count: indent)
    var result = ""
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty, indent + line.utf8.count + 1 + word.utf8.count > 80 {
        result += margin + line + "\n"
        line = ""
      }
      line += (line.isEmpty ? "" : " ") + word
    }
    return result + margin + line + "\n"
  }

  private static let introduction = """
    Usage: otel-instrument [options] program [arguments]
           otel-instrument --check [options] [program [arguments]]

    Runs a program with OpenTelemetry: its requests become spans, which a relay
    sends to a collector. The program is not changed and need not know of it.

      otel-instrument --service-name shop ./shop --port 80
      OTEL_SERVICE_NAME=shop otel-instrument ./shop --port 80

    Nothing behind the program's name is an option of otel-instrument.

    Options:
      -h, --help            This text.
          --help-markdown   The variables as a table in Markdown.
          --help-mdoc       The same as lists for manual pages.
          --version         The version.
          --check           Runs nothing, but says whether the program can be
                            traced and why not, which settings hold, and whether
                            the collector answers. Status 0: all is well.
          --view            Show the traces as trees with time bars, on the
                            terminal or else on stderr, when the program has
                            ended. Nothing is exported.
          --generate-completion-script bash|zsh|fish
                            What that shell needs to complete the options.
          --no-init         As a container's first process (pid 1): become the
                            program instead of staying as its init. Init passes
                            signals on, reaps, and waits for the last spans.
          --                The program's name comes next.

    Each option below is also an environment variable, named beside it, and wins
    over it. Underscores serve as well as hyphens, and "--name value" as well as
    "--name=value". Programs that the program starts inherit the settings.

    """

  private static let exitStatus = """

    Exit status: the program's own, or
      1    with --check: there is something to do, which the report names
      2    an option is wrong, or no program was named
      125  the installation is incomplete or in an unusable place
      126  the program was found and cannot be executed
      127  the program was not found
      As init (pid 1): 128 + n when signal n ended the program.

    """
}

extension EnvironmentVariable.Kind {
  var choices: EnvironmentVariable.Choices? {
    switch self {
    case .choice(let choices), .choices(let choices): choices
    default: nil
    }
  }
}

extension EnvironmentVariable.Choices {
  /// Whether the text has named them already.
  fileprivate func isNamed(in text: String) -> Bool {
    supported.allSatisfy { word in text.split { " :,.".contains($0) }.contains { $0 == String(word) } }
  }
}
