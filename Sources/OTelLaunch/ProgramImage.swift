@preconcurrency import Glibc
package import OTelInspection

/// What a process becomes by execve(2), with everything allocated beforehand.
package struct ProgramImage {
  private let path: ByteString
  private let arguments: CStringArray
  private let shellArguments: CStringArray
  private let variables: CStringArray

  /// - Parameters:
  ///   - path: the program's file.
  ///   - command: argv; its first element is the name as the user wrote it.
  package init(path: ByteString, command: [ByteString], environment: Environment) {
    self.path = path
    arguments = CStringArray(command)
    shellArguments = CStringArray(["/bin/sh", path] + command.dropFirst())
    variables = CStringArray(environment.entries)
  }

  /// Replaces this process. Returns only when that failed: why, and the status to exit with.
  package func execute() -> LaunchError {
    _ = path.withCString { execve($0, arguments.pointer, variables.pointer) }
    // "If the header of a file isn't recognized (the attempted execve(2) failed with the error ENOEXEC), these functions will execute
    // the shell (/bin/sh) with the path of the file as its first argument" (exec(3)).
    if errno == ENOEXEC { _ = execve("/bin/sh", shellArguments.pointer, variables.pointer) }
    let error = errno
    let reason = error == ENOENT ? "its interpreter or loader does not exist" : SystemError.description(error)
    return LaunchError(
      error == ENOENT ? ExitStatus.notFound : ExitStatus.notExecutable, "\(path.quoted) cannot be executed: \(reason).")
  }
}
