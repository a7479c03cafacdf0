/// For bash with the package bash-completion, whose functions it uses.
enum BashCompletion {
  static func script(_ options: [CompletionOption]) -> String {
    let flags = LauncherFlag.all.flatMap(\.spellings)
    let names = LauncherFlag.all.map { $0.spellings[0] } + options.map { "--\($0.spellings[0])=" }
    return start + options.compactMap(values).joined() + end(flags: flags.joined(separator: "|"), names: names.joined(separator: " "))
  }

  /// A branch for the values of an option; nil when they can be anything.
  private static func values(_ option: CompletionOption) -> String? {
    let command: String
    switch option.value {
    case .one(let words): command = "COMPREPLY=($(compgen -W '\(words.joined(separator: " "))' -- \"$cur\"))"
    case .list(let words): command = "_otel_instrument_list '\(words.joined(separator: " "))'"
    case .file: command = "_filedir"
    case .anything: return nil
    }
    return "    \(option.spellings.map { "--" + $0 }.joined(separator: "|"))) \(command) ;;\n"
  }

  private static let start = """
    # Completion of otel-instrument for bash, made by: otel-instrument --generate-completion-script bash
    # It needs the package bash-completion.

    # Words separated by commas: $1 are those there are. compgen would take * for file names.
    _otel_instrument_list() {
        local before='' word
        [[ $cur == *,* ]] && before=${cur%,*},
        local -a words
        read -ra words <<<"$1"
        COMPREPLY=()
        for word in "${words[@]}"; do
            [[ $before$word == "$cur"* ]] && COMPREPLY+=("$before$word")
        done
        compopt -o nospace
    }

    _otel_instrument_value() {
        case ${1//_/-} in

    """

  private static func end(flags: String, names: String) -> String {
    #"""
        *) COMPREPLY=() ;;
        esac
        declare -F __ltrim_colon_completions >/dev/null && __ltrim_colon_completions "$cur"
    }

    _otel_instrument() {
        local cur prev words cword
        # Whole words: bash itself splits them at = and : too.
        _get_comp_words_by_ref -n =: cur prev words cword
        local i program='' option=''
        for ((i = 1; i < cword; i++)); do
            case ${words[i]//_/-} in
            --) program=$((i + 1)) && break ;;
            \#(flags)|-*=*) ;;
            -?*) ((++i == cword)) && option=${words[i - 1]} ;;
            *) program=$i && break ;;
            esac
        done
        if [[ -z $program && -n $option ]]; then
            _otel_instrument_value "$option"
        elif [[ -z $program && $cur == --*=* ]]; then
            option=${cur%%=*} cur=${cur#*=}
            _otel_instrument_value "$option"
        elif [[ -z $program && $cur == -* ]]; then
            COMPREPLY=($(compgen -W '\#(names)' -- "$cur"))
            [[ ${COMPREPLY-} == *= ]] && compopt -o nospace
        else
            # From the program on, as without the launcher. _command_offset counts the words as bash splits them.
            local raw=1 word
            for ((i = 1; i < ${program:-$cword}; i++)); do
                word=''
                while [[ $word != "${words[i]}" && $raw -lt $COMP_CWORD ]]; do word+=${COMP_WORDS[raw++]}; done
            done
            _command_offset "$raw"
        fi
    } &&
        complete -F _otel_instrument otel-instrument

    """#
  }
}
