import OTelInspection

/// What `--check` prints: the verdict, then facts, one a line, in an order that does not change, and last what to do.
package struct CheckReport: Equatable {
  /// The program as the user named it.
  package let name: String
  package var verdict = ""
  package var program: [Fact] = []
  package var agent: [Fact] = []
  package var settings: [String] = []
  /// What is worth knowing, and no reason to do anything.
  package var notes: [String] = []
  /// What is wrong, and what to do about it.
  package var tasks: [String] = []
  /// Of a program that cannot be run at all: what the launcher would exit with.
  package var failure: Int32?

  package struct Fact: Equatable {
    package let label: String
    package let text: String
  }

  package init(name: String) { self.name = name }

  package var status: Int32 { failure ?? (tasks.isEmpty ? ExitStatus.success : ExitStatus.needsAttention) }

  package var text: String {
    var text = "\(name): \(verdict)\n"
    text += CheckReport.section("Program", program.map(CheckReport.line))
    text += CheckReport.section("Agent", agent.map(CheckReport.line))
    text += CheckReport.section("Settings", settings)
    text += CheckReport.section("Notes", notes.map { "- " + $0 })
    text += CheckReport.section("To do", tasks.map { "- " + $0 })
    return text
  }

  private static func line(_ fact: Fact) -> String {
    fact.label + ":" + String(repeating: " ", count: max(1, 13 - fact.label.utf8.count)) + fact.text
  }

  /// One fact is one line: a line break in what somebody else has written does not make two of it.
  private static func section(_ title: String, _ lines: [String]) -> String {
    guard !lines.isEmpty else { return "" }
    return lines.reduce("\n\(title)\n") { $0 + "  " + String($1.map { $0.isNewline ? " " : $0 }) + "\n" }
  }
}
