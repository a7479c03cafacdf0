@preconcurrency import Glibc
package import OTelInspection

/// Finds the file of a program as execvp(3) does, so that a mistake is told before anything is started.
package enum ProgramLookup {
  /// - Parameter searchPath: the value of PATH; nil: the one that execvp(3) has in its place.
  package static func find(_ name: ByteString, searchPath: ByteString?) throws(LaunchError) -> ByteString {
    if name.contains("/") {
      switch examine(name) {
      case 0: return name
      case let error: throw failure(name, error)
      }
    }
    var denied: (path: ByteString, error: Int32)?
    for directory in (searchPath ?? "/bin:/usr/bin").split(":") {
      // "A zero-length prefix … indicates the current working directory" (POSIX, XBD 8.3).
      let path = directory.isEmpty ? "./" + name : directory + "/" + name
      switch examine(path) {
      case 0: return path
      case ENOENT, ENOTDIR, ESTALE, ENODEV, ETIMEDOUT: continue
      // The search goes on, but if it ends with nothing this is what the user should know.
      case let error: denied = denied ?? (path, error)
      }
    }
    if let denied { throw failure(denied.path, denied.error) }
    throw LaunchError(ExitStatus.notFound, "there is no program \(name.quoted) in PATH.")
  }

  /// 0 when the file may be executed, else the error that execve(2) would have.
  private static func examine(_ path: ByteString) -> Int32 {
    var status = stat()
    guard path.withCString({ stat($0, &status) }) == 0 else { return errno }
    guard status.st_mode & S_IFMT == S_IFREG else { return S_IFDIR == status.st_mode & S_IFMT ? EISDIR : EACCES }
    return path.withCString { faccessat(AT_FDCWD, $0, X_OK, AT_EACCESS) } == 0 ? 0 : errno
  }

  private static func failure(_ path: ByteString, _ error: Int32) -> LaunchError {
    switch error {
    case ENOENT, ENOTDIR: LaunchError(ExitStatus.notFound, "there is no program \(path.quoted).")
    case EISDIR: LaunchError(ExitStatus.notExecutable, "\(path.quoted) is a directory, not a program.")
    case EACCES where isOnNoExecMount(path):
      LaunchError(
        ExitStatus.notExecutable,
        "\(path.quoted) may not be executed: its file system is mounted noexec. Copy it to another one, or mount that with exec.")
    case EACCES: LaunchError(ExitStatus.notExecutable, "\(path.quoted) may not be executed. Check its permissions (chmod +x).")
    default: LaunchError(ExitStatus.notExecutable, "\(path.quoted) cannot be executed: \(SystemError.description(error)).")
    }
  }

  private static func isOnNoExecMount(_ path: ByteString) -> Bool {
    var status = stat()
    return path.withCString { stat($0, &status) } == 0 && status.st_mode & 0o111 != 0 && NoExecMount.holds(path)
  }
}
