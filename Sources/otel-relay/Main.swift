import ArgumentParser
import Glibc
import OTelRelay

@main enum Main {
  static func main() {
    // Started out of some program: what it was given is undone before anything else is even looked at.
    if CommandLine.arguments.dropFirst().first == "--inherited" {
      InheritedRelay.run(isLocked: CommandLine.arguments.contains("--locked"))
    } else {
      RelayCommand.main()
    }
  }
}

/// The environment, as a dictionary.
func environmentVariables() -> [String: String] {
  var variables: [String: String] = [:]
  var entry = environ
  while let text = entry.pointee {
    let parts = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    if parts.count == 2, !parts[1].isEmpty { variables[String(parts[0])] = String(parts[1]) }
    entry += 1
  }
  return variables
}
