/// What `otel-instrument` exits with when it is not the program's own status, as env(1), nohup(1) and timeout(1) have it.
package enum ExitStatus {
  package static let success: Int32 = 0
  /// `--check` has found something to do.
  package static let needsAttention: Int32 = 1
  /// An option that does not exist or lacks its value, or no program.
  package static let usage: Int32 = 2
  /// The launcher itself failed: its installation is not complete, or is in a place that ld.so cannot be told.
  package static let launcherFailed: Int32 = 125
  package static let notExecutable: Int32 = 126
  package static let notFound: Int32 = 127
  /// Added to the number of the signal that ended the program, when the launcher is its init and cannot end by that signal itself.
  package static let signalBase: Int32 = 128
}

/// Why the program is not run, in a sentence for stderr.
package struct LaunchError: Error, Equatable {
  package let status: Int32
  package let message: String

  package init(_ status: Int32, _ message: String) {
    self.status = status
    self.message = message
  }
}
