import OTelPrimitives

/// Names of the entries in a region's identity area, which is an `EnvironmentBlock`: first these, then every `OTEL_*` variable as the
/// host read it at its start. The relay reads a process's identity from here and not from `/proc/<pid>`, which may be gone, another
/// process's (pid name spaces), or closed.
///
/// Values are bytes as the kernel gave them (a path need not be UTF-8), without NUL. An entry that could not be had is absent.
public enum Identity {
  /// Process id in the process's own pid name space, decimal.
  public static let processID: StaticString = "process.pid"
  /// Inode number of that name space, decimal: ids of processes can be compared only where it is the same.
  public static let pidNamespace: StaticString = "process.pid_namespace"
  /// Effective user id, decimal.
  public static let userID: StaticString = "process.user.id"
  /// Target of /proc/self/exe.
  public static let executablePath: StaticString = "process.executable.path"
  /// argv[0].
  public static let command: StaticString = "process.command"
  /// When the agent was loaded, Unix time in nanoseconds, decimal: some hundred microseconds after the process's start.
  public static let startTime: StaticString = "process.start_time_unix_nano"
  /// `uname` nodename, release and machine.
  public static let hostName: StaticString = "host.name"
  public static let kernelRelease: StaticString = "os.release"
  public static let machine: StaticString = "host.machine"
}
