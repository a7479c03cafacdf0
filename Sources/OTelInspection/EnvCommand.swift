/// What env(1) is told to run.
package struct EnvCommand: Equatable {
  package let program: ByteString
  /// `-i`, or `-u LD_PRELOAD`: the agent does not get through.
  package let dropsAgent: Bool

  /// nil: nothing, or by an option that is not known here.
  /// - Parameter words: the arguments, without env's own name.
  package init?(_ words: [ByteString]) {
    var drops = false
    var rest = words[...]
    while let word = rest.popFirst() {
      switch word {
      case "-i", "--ignore-environment", "-": drops = true
      case "-u", "--unset": drops = rest.popFirst() == "LD_PRELOAD" || drops
      case "-C", "--chdir": _ = rest.popFirst()
      case "-v", "--debug", "--": continue
      case _ where word.hasPrefix("-u") || word.hasPrefix("--unset="): drops = drops || word == "-uLD_PRELOAD" || word == "--unset=LD_PRELOAD"
      case _ where word.hasPrefix("-"): return nil
      case _ where word.contains("="): drops = drops || word == "LD_PRELOAD="
      default:
        program = word
        dropsAgent = drops
        return
      }
    }
    return nil
  }

  /// From a script's first line, whose argument env gets as one word and with `-S` splits itself.
  package init?(scriptArgument: ByteString) {
    let isSplit = scriptArgument.hasPrefix("-S") || scriptArgument.hasPrefix("-vS")
    let words = scriptArgument.split(" ", "\t").filter { !$0.isEmpty }
    guard isSplit, let first = words.first else {
      self.init([scriptArgument])
      return
    }
    let attached = ByteString(first.bytes.drop { $0 != UInt8(ascii: "S") }.dropFirst())
    self.init((attached.isEmpty ? [] : [attached]) + words.dropFirst())
  }
}
