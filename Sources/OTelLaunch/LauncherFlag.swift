/// An option that is not a variable and takes no value.
package struct LauncherFlag: Equatable, Sendable {
  /// With its hyphens; the long one first.
  package let spellings: [String]
  /// One sentence, without its full stop.
  package let help: String
  /// A program's name and other options may follow.
  package var precedesProgram = false

  /// In the order of `--help`. `--`, which ends the options, is none of them.
  package static let all = [
    LauncherFlag(spellings: ["--help", "-h"], help: "The options and variables"),
    LauncherFlag(spellings: ["--help-markdown"], help: "The variables as a table in Markdown"),
    LauncherFlag(spellings: ["--help-mdoc"], help: "The options and the variables as lists for manual pages"),
    LauncherFlag(spellings: ["--version"], help: "The version"),
    LauncherFlag(spellings: ["--check"], help: "Say whether a program can be traced and why not; run nothing", precedesProgram: true),
    LauncherFlag(spellings: ["--view"], help: "Show the program's traces when it has ended; export nothing", precedesProgram: true),
    LauncherFlag(
      spellings: ["--no-init"], help: "As a container's first process: become the program instead of staying as its init", precedesProgram: true),
  ]
}
