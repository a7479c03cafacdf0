/// For zsh's own completion system (zshcompsys(1)).
enum ZshCompletion {
  static func script(_ options: [CompletionOption]) -> String {
    var text = """
      #compdef otel-instrument
      # Completion of otel-instrument for zsh, made by: otel-instrument --generate-completion-script zsh

      _otel-instrument() {
        # -A: no more options behind the program's name; *:: leaves the words from there on, as if the launcher were not there.
        local curcontext="$curcontext" state line
        _arguments -A '-*' \\

      """
    for flag in LauncherFlag.all {
      let exclusive = flag.precedesProgram ? "" : "(- *)"
      let name = flag.spellings.count == 1 ? "'" + flag.spellings[0] : "'{\(flag.spellings.joined(separator: ","))}'"
      text += "    '\(exclusive)\(name.hasPrefix("'{") ? name : String(name.dropFirst()))[\(escaped(flag.help))]' \\\n"
    }
    for option in options {
      text += "    '--\(option.spellings[0])=[\(escaped(option.help))]:\(escaped(option.placeholder)):\(action(option.value))' \\\n"
    }
    return text + """
          '*:: :->program' && return
        [[ $state == program ]] && _normal -p $service
      }

      _otel-instrument "$@"

      """
  }

  private static func action(_ value: CompletionOption.Value) -> String {
    switch value {
    case .one(let words): "(\(words.map(escapedWord).joined(separator: " ")))"
    case .list(let words): "_sequence compadd - \(words.map(escapedWord).joined(separator: " "))"
    case .file: "_files"
    case .anything: " "
    }
  }

  /// Within single quotes and brackets of a specification of `_arguments`.
  private static func escaped(_ text: String) -> String {
    text.map { character in
      switch character {
      case "\\", "[", "]", ":": "\\\(character)"
      case "'": "'\\''"
      default: String(character)
      }
    }.joined()
  }

  private static func escapedWord(_ word: String) -> String {
    word.map { $0 == ":" || $0 == "*" ? "\\\($0)" : String($0) }.joined()
  }
}
