public import OTelPrimitives

/// Programs that are never instrumented, whoever preloads the agent into them: those that start, guard or debug the system. A fault in
/// one of them is worse than a missing span.
public enum NeverList {
  /// - Parameter path: target of /proc/self/exe.
  public static func contains(_ path: Text) -> Bool {
    var start = path.count
    while start > 0, path[start &- 1] != 0x2f { start &-= 1 }
    let name = path.from(start)
    return isSystem(name) || isPrivileged(name) || isDebugger(name) || isDesktop(name) || isOurs(name)
  }

  private static func isSystem(_ name: Text) -> Bool {
    name.equals("init") || name.hasPrefix("systemd") || name.equals("udevd") || name.hasPrefix("dbus-") || name.equals("snapd")
      || name.equals("cron") || name.equals("crond") || name.equals("ldconfig") || name.equals("ldconfig.real") || name.hasPrefix("ld-linux")
      || name.equals("agetty") || name.equals("runc") || name.equals("containerd") || name.equals("dockerd") || name.equals("tini")
  }

  private static func isPrivileged(_ name: Text) -> Bool {
    name.equals("sshd") || name.equals("sudo") || name.equals("su") || name.equals("doas") || name.equals("login") || name.equals("passwd")
      || name.equals("polkitd") || name.equals("unix_chkpwd") || name.equals("pkexec")
  }

  private static func isDebugger(_ name: Text) -> Bool {
    name.equals("gdb") || name.equals("gdbserver") || name.equals("lldb") || name.equals("lldb-server") || name.equals("strace")
      || name.equals("ltrace") || name.equals("rr") || name.hasPrefix("valgrind") || name.equals("perf") || name.hasPrefix("memcheck-")
      || name.hasPrefix("callgrind-") || name.hasPrefix("helgrind-") || name.hasPrefix("drd-") || name.hasPrefix("massif-")
  }

  private static func isDesktop(_ name: Text) -> Bool {
    name.equals("Xorg") || name.hasPrefix("gdm") || name.equals("Xwayland")
  }

  private static func isOurs(_ name: Text) -> Bool { name.equals("otel-relay") || name.equals("otel-instrument") }
}
