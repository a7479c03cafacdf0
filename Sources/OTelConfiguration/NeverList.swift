public import OTelPrimitives

/// Programs that are never instrumented, whoever preloads the agent into them: those that start, guard or debug the system. A fault in
/// one of them is worse than a missing span.
public enum NeverList {
  /// - Parameter path: target of /proc/self/exe: the file itself, whatever the program is called by (argv[0]) and whatever link led to it.
  public static func contains(_ path: Text) -> Bool {
    let name = withoutDeletionMark(path.fileName)
    return isSystem(name) || isPrivileged(name) || isDebugger(name) || isDesktop(name) || isOurs(name)
  }

  /// What /proc says of a file that was replaced while its program ran, and executes itself again, as sshd does after an upgrade.
  private static func withoutDeletionMark(_ name: Text) -> Text {
    let mark = Text(" (deleted)")
    let rest = name.slice(0, name.count &- mark.count)
    return name.from(rest.count).equals(mark) ? rest : name
  }

  private static func isSystem(_ name: Text) -> Bool {
    name.equals("init") || name.hasPrefix("systemd") || name.equals("udevd") || name.equals("udevadm") || name.hasPrefix("dbus-")
      || name.equals("snapd") || name.equals("cron") || name.equals("crond") || name.equals("atd") || name.equals("ldconfig")
      || name.equals("ldconfig.real") || name.hasPrefix("ld-linux") || name.hasPrefix("ld-2.") || name.equals("ld.so") || name.equals("agetty")
      || name.equals("runc") || name.equals("crun") || name.equals("containerd") || name.equals("dockerd") || name.equals("tini")
  }

  /// Since OpenSSH 9.8 a connection is served by sshd-session and sshd-auth.
  private static func isPrivileged(_ name: Text) -> Bool {
    name.hasPrefix("sshd") || name.equals("sudo") || name.equals("su") || name.equals("runuser") || name.equals("sulogin") || name.equals("doas")
      || name.equals("login") || name.equals("passwd") || name.equals("polkitd") || name.equals("unix_chkpwd") || name.equals("pkexec")
  }

  private static func isDebugger(_ name: Text) -> Bool {
    name.equals("gdb") || name.equals("gdbserver") || name.equals("gdb-multiarch") || name.equals("lldb") || name.equals("lldb-server")
      || name.equals("strace") || name.equals("ltrace") || name.equals("rr") || name.hasPrefix("valgrind") || name.equals("perf")
      || name.hasPrefix("perf_") || name.hasPrefix("memcheck-") || name.hasPrefix("cachegrind-") || name.hasPrefix("dhat-")
      || name.hasPrefix("callgrind-") || name.hasPrefix("helgrind-") || name.hasPrefix("drd-") || name.hasPrefix("massif-")
  }

  private static func isDesktop(_ name: Text) -> Bool {
    name.equals("Xorg") || name.hasPrefix("gdm") || name.equals("lightdm") || name.equals("sddm") || name.equals("Xwayland")
  }

  private static func isOurs(_ name: Text) -> Bool { name.equals("otel-relay") || name.equals("otel-instrument") }
}
