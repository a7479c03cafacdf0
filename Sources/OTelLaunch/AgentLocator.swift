@preconcurrency import Glibc
package import OTelInspection

/// Where an installation has its files, seen from the launcher: `<prefix>/bin/otel-instrument`, `<prefix>/lib/otelagent/…`. Nothing is
/// configured, so a copied or moved installation works.
package struct AgentLocator: Equatable, Sendable {
  package let library: ByteString
  package let relay: ByteString

  /// - Parameter launcher: the launcher's absolute path, without symbolic links.
  package init(launcher: ByteString) {
    let prefix = launcher.directory.directory
    let folder = (prefix == "/" ? "" : prefix) + "/lib/otelagent/"
    library = folder + "libotelagent.so"
    relay = folder + "otel-relay"
  }

  /// The installation this process belongs to; nil when /proc is not mounted.
  package static func current() -> AgentLocator? {
    guard let launcher = realpath("/proc/self/exe", nil) else { return nil }
    defer { free(launcher) }
    return AgentLocator(launcher: ByteString(cString: launcher))
  }

  /// Throws when the agent is not there or cannot be named in LD_PRELOAD: otherwise ld.so would complain on the stderr of this program
  /// and of every one it starts.
  package func check() throws(LaunchError) {
    guard PreloadList.canExpress(library) else {
      throw LaunchError(
        ExitStatus.launcherFailed,
        "otelagent is installed in \(library.directory.quoted), and LD_PRELOAD cannot hold a path with a space, a colon or a dollar sign; "
          + "nothing was run. Install it elsewhere.")
    }
    guard library.withCString({ access($0, R_OK) }) == 0 else {
      throw LaunchError(
        ExitStatus.launcherFailed,
        "the agent \(library) cannot be read (\(SystemError.description(errno))); nothing was run. Install otelagent again.")
    }
    guard !NoExecMount.holds(library) else {
      throw LaunchError(
        ExitStatus.launcherFailed,
        "the agent \(library) is on a file system mounted noexec, so no program can load it; nothing was run. Install it elsewhere.")
    }
  }

  /// Whether an entry of LD_PRELOAD is the agent, also by another path.
  package func isLibrary(_ entry: ByteString) -> Bool {
    if entry == library { return true }
    var own = stat()
    var other = stat()
    guard entry.contains("/"), library.withCString({ stat($0, &own) }) == 0, entry.withCString({ stat($0, &other) }) == 0 else { return false }
    return own.st_dev == other.st_dev && own.st_ino == other.st_ino
  }
}
