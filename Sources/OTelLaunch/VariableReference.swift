package import OTelConfiguration
import OTelPrimitives

/// The variables as tables in Markdown, for the README.
package enum VariableReference {
  package static func markdown(_ table: [EnvironmentVariable] = EnvironmentVariable.table) -> String {
    var text = ""
    for group in EnvironmentVariable.Group.allCases {
      text += (text.isEmpty ? "" : "\n") + "### " + String(group.title) + "\n\n"
      if case .metricsAndLogs = group {
        text += "Neither is produced by this version. These are accepted and checked, and have no effect.\n\n"
      }
      text += "| Variable | Default | Meaning |\n|---|---|---|\n"
      for variable in table where variable.group == group {
        let defaultText = Text(variable.defaultText).isEmpty ? "" : "`" + String(variable.defaultText) + "`"
        text += "| `\(String(variable.name))` | \(defaultText) | \(escaped(HelpText.describe(variable))) |\n"
      }
    }
    return text
  }

  private static func escaped(_ text: String) -> String {
    var result = ""
    for character in text {
      if character == "|" || character == "*" || character == "<" { result.append("\\") }
      result.append(character)
    }
    return result
  }
}
