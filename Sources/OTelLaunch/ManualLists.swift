package import OTelConfiguration
import OTelInspection
import OTelPrimitives

/// The options and the variables as lists in mdoc(7), for the pages in docs/man. Each follows a comment that names it.
package enum ManualLists {
  private static let longestLine = 78
  private static let longestName = 66

  package static func mdoc(_ table: [EnvironmentVariable] = EnvironmentVariable.table) -> String {
    list("options", table) { variable in
      let placeholder = variable.kind.placeholder.filter { $0 != "<" && $0 != ">" }
      let option = String(decoding: OptionName.spellings(of: variable)[0].bytes, as: UTF8.self)
      return ".It Fl \(literal("-" + breakable(option))) Ns = Ns Ar \(placeholder)\n" + paragraph(String(variable.name) + ".")
    } + list("variables", table) { ".It Ev \(breakable(String($0.name)))\n" }
  }

  private static func list(_ name: String, _ table: [EnvironmentVariable], head: (EnvironmentVariable) -> String) -> String {
    var text = ".\\\" \(name)\n"
    for group in EnvironmentVariable.Group.allCases {
      text += ".Ss \(String(group.title))\n"
      if case .metricsAndLogs = group {
        text += paragraph("Neither is produced by this version. These are accepted and checked, and have no effect.")
      }
      text += ".Bl -tag -width Ds\n"
      for variable in table where variable.group == group {
        text += head(variable) + paragraph(HelpText.describe(variable))
        let defaultText = String(variable.defaultText)
        if !defaultText.isEmpty { text += ".Pp\n" + paragraph("Default: " + defaultText + ".") }
      }
      text += ".El\n"
    }
    return text
  }

  /// A sentence begins a line, and no line begins with what roff takes for a request.
  private static func paragraph(_ text: String) -> String {
    var result = ""
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty, line.hasSuffix(".") || line.utf8.count + 1 + word.utf8.count > longestLine {
        result += line + "\n"
        line = ""
      }
      if line.isEmpty, word.hasPrefix(".") || word.hasPrefix("'") { line = "\\&" }
      line += (line.isEmpty || line == "\\&" ? "" : " ") + escaped(String(word))
    }
    return result + line + "\n"
  }

  private static func escaped(_ text: String) -> String { breakable(text.map { $0 == "\\" ? "\\e" : String($0) }.joined()) }

  /// A name that is longer than a line may be broken behind an underscore or a hyphen.
  private static func breakable(_ word: String) -> String {
    guard word.utf8.count > longestName else { return word }
    return word.map { $0 == "_" || $0 == "-" ? String($0) + "\\:" : String($0) }.joined()
  }

  /// A hyphen that is typed, not one between words.
  private static func literal(_ text: String) -> String { text.map { $0 == "-" ? "\\-" : String($0) }.joined() }
}
