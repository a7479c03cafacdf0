package import OTelConfiguration
import OTelInspection
import OTelPrimitives

/// `--generate-completion-script`: what a shell completes behind `otel-instrument`. Options and values come from the table of variables; from
/// the program's name on, the shell completes as if the launcher were not there.
package enum CompletionScript: String, CaseIterable, Sendable {
  case bash, zsh, fish

  package func text(_ table: [EnvironmentVariable] = EnvironmentVariable.table) -> String {
    // What would have no effect is accepted, and not proposed.
    let options = [.ofScripts] + table.filter { if case .honoured = $0.support { true } else { false } }.map { CompletionOption($0) }
    switch self {
    case .bash: return BashCompletion.script(options)
    case .zsh: return ZshCompletion.script(options)
    case .fish: return FishCompletion.script(options)
    }
  }
}

/// An option with a value, as a completion needs it.
struct CompletionOption {
  /// What can be said about a value before it is typed.
  enum Value: Equatable {
    case one(of: [String])
    /// Any of the words, separated by commas.
    case list(of: [String])
    case file
    case anything
  }

  /// Without hyphens in front, the spelling of `--help` first.
  let spellings: [String]
  /// The first sentence of the help, without its full stop.
  let help: String
  /// What stands for the value in help.
  let placeholder: String
  let value: Value

  /// The one that is no variable.
  static let ofScripts = CompletionOption(
    spellings: ["generate-completion-script"], help: "What a shell needs to complete the options", placeholder: "<shell>",
    value: .one(of: CompletionScript.allCases.map(\.rawValue)))

  private init(spellings: [String], help: String, placeholder: String, value: Value) {
    (self.spellings, self.help, self.placeholder, self.value) = (spellings, help, placeholder, value)
  }

  init(_ variable: EnvironmentVariable) {
    spellings = OptionName.spellings(of: variable).map { String(decoding: $0.bytes, as: UTF8.self) }
    help = Self.firstSentence(String(variable.help))
    placeholder = variable.kind.placeholder
    value = Self.value(variable.kind)
  }

  private static func value(_ kind: EnvironmentVariable.Kind) -> Value {
    switch kind {
    case .boolean: .one(of: ["true", "false"])
    case .choice(let choices): .one(of: choices.supported.map { String($0) })
    case .choices(let choices): .list(of: choices.supported.map { String($0) })
    case .relay: .one(of: ["auto", "external", "start", "off", "unix:/"])
    case .path: .file
    case .integer, .duration, .timeout, .samplerArgument, .attributes, .headers, .url, .list, .headerNames, .patterns, .peerServices, .string: .anything
    }
  }

  private static func firstSentence(_ text: String) -> String {
    var sentence = ""
    for word in text.split(separator: " ") {
      sentence += (sentence.isEmpty ? "" : " ") + word
      if word.hasSuffix(".") { break }
    }
    return sentence.hasSuffix(".") ? String(sentence.dropLast()) : sentence
  }
}
