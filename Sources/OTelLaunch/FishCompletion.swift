/// For fish, as its own completions of sudo and env are made.
enum FishCompletion {
  static func script(_ options: [CompletionOption]) -> String {
    var text = start(flags: LauncherFlag.all.flatMap(\.spellings).joined(separator: " "))
    for flag in LauncherFlag.all {
      let names = flag.spellings.map { $0.hasPrefix("--") ? "-l \($0.dropFirst(2))" : "-s \($0.dropFirst())" }.joined(separator: " ")
      text += line(names, flag.help)
    }
    for option in options {
      let arguments: String
      switch option.value {
      case .one(let words): arguments = "-x -a \(quoted(words.joined(separator: " ")))"
      case .list(let words): arguments = "-x -a \(quoted("(__otel_instrument_list \(words.map(quoted).joined(separator: " ")))"))"
      case .file: arguments = "-r -F"
      case .anything: arguments = "-x"
      }
      text += line("-l \(option.spellings[0]) \(arguments)", option.help)
    }
    return text
  }

  private static func line(_ what: String, _ help: String) -> String {
    "complete -c otel-instrument -n 'not __otel_instrument_command >/dev/null' \(what) -d \(quoted(help))\n"
  }

  private static func quoted(_ text: String) -> String {
    "'" + text.map { $0 == "\\" || $0 == "'" ? "\\\($0)" : String($0) }.joined() + "'"
  }

  private static func start(flags: String) -> String {
    #"""
    # Completion of otel-instrument for fish, made by: otel-instrument --generate-completion-script fish

    # The program and what follows it on the command line; fails while an option is being typed.
    function __otel_instrument_command
        set -l words (commandline -opc) (commandline -ct)
        set -e words[1]
        while set -q words[1]
            switch (string replace -a _ - -- $words[1])
                case --
                    set -e words[1]
                    break
                case \#(flags) '--*=*'
                    set -e words[1]
                case '-?*'
                    # An option, and its value.
                    set -e words[1]
                    set -q words[1]; and set -e words[1]
                case '*'
                    break
            end
        end
        set -q words[1]; and string join0 -- $words
    end

    # As if the launcher were not there.
    function __otel_instrument_complete_command
        set -l words (__otel_instrument_command | string split0); and complete -C "$words"
    end

    # Words separated by commas.
    function __otel_instrument_list
        set -l before (commandline -ct | string replace -r '^--[^=]*=' '' | string match -r '^.*,')
        set -q before[1]; or set before ''
        printf '%s\n' $before$argv
    end

    complete -c otel-instrument -x -a '(__otel_instrument_complete_command)'

    """#
  }
}
