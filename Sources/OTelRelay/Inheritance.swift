import COTelShims
import Glibc

/// Undoes what a relay inherits from the program it was started out of: that program may be confined, niced, pinned, deaf to SIGTERM and
/// about to run out of CPU seconds, and its relay serves others for longer than it lives.
package enum Inheritance {
  /// The listener's descriptor, as the starter hands it over.
  package static let listener: Int32 = 3
  /// The lock's, with `--locked`.
  package static let lock: Int32 = 4

  /// To be called first, while there is one thread.
  package static func undo(isLocked: Bool) {
    closeDescriptors(isLocked: isLocked)
    resetSignals()
    resetLimits()
    resetScheduling()
    umask(0o077)
    chdir("/")
    forgetLoaderVariables()
    write("0", to: "/proc/self/oom_score_adj")
    prctl(PR_SET_PDEATHSIG, 0)
    protect()
    // Behind the limits, which root may raise.
    dropCapabilities()
    _ = "otel-relay".withCString { prctl(PR_SET_NAME, Int(bitPattern: $0)) }
  }

  /// What every relay does, also one that was started by hand: it holds API keys, so no core files and no ptrace(2) by others of its
  /// user; and it needs a descriptor for each process it serves.
  package static func protect() {
    prctl(PR_SET_DUMPABLE, 0)
    raise(7, to: 1 << 20)
  }

  /// A relay needs none, and a program may have none left by the time its relay is at work. Root stays root: by that programs know it.
  private static func dropCapabilities() {
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    var header: (UInt32, Int32) = (0x2008_0522, 0)  // _LINUX_CAPABILITY_VERSION_3, this thread
    var none = [UInt32](repeating: 0, count: 6)
    _ = withUnsafeMutablePointer(to: &header) { header in
      none.withUnsafeMutableBytes { otel_syscall6(Int(SYS_capset), Int(bitPattern: header), Int(bitPattern: $0.baseAddress), 0, 0, 0, 0) }
    }
  }

  /// `LD_*` is for ld.so, which has done with it, and for nobody the relay could start.
  private static func forgetLoaderVariables() {
    var names: [String] = []
    var entry = environ
    while let text = entry.pointee {
      if strncmp(text, "LD_", 3) == 0 { names.append(String(String(cString: text).prefix { $0 != "=" })) }
      entry += 1
    }
    for name in names { unsetenv(name) }
  }

  // <linux/prctl.h>; prctl(2) is variadic, which Swift cannot call.
  private static let PR_SET_PDEATHSIG = 1
  private static let PR_SET_DUMPABLE = 4
  private static let PR_SET_NAME = 15
  private static let PR_SET_NO_NEW_PRIVS = 38

  @discardableResult
  private static func prctl(_ option: Int, _ argument: Int) -> Int { otel_syscall6(Int(SYS_prctl), option, argument, 0, 0, 0, 0) }

  private static func closeDescriptors(isLocked: Bool) {
    var null = open("/dev/null", O_RDWR)
    // Without /dev a socket that leads nowhere, as in the helper: a pipe's reader would wait for the relay.
    if null < 0 { null = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0) }
    for descriptor in Int32(0)...2 where null != descriptor { dup2(null, descriptor) }
    if null > 2, null != listener, !(isLocked && null == lock) { close(null) }
    let first = isLocked ? lock + 1 : listener + 1
    let (closeRange, noSuchCall) = (436, -Int(ENOSYS))  // close_range(2): Linux 5.9
    if otel_syscall6(closeRange, Int(first), Int(Int32.max), 0, 0, 0, 0) == noSuchCall {
      for descriptor in openDescriptors() where descriptor >= first { close(descriptor) }
    }
    for descriptor in isLocked ? [listener, lock] : [listener] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
  }

  private static func openDescriptors() -> [Int32] {
    guard let directory = opendir("/proc/self/fd") else { return Array(3..<1024) }
    defer { closedir(directory) }
    var found: [Int32] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self)) }
      if let number = Int32(name), number != dirfd(directory) { found.append(number) }
    }
    return found
  }

  private static func resetSignals() {
    // Ignored signals stay ignored through exec, and so does the mask.
    for number in 1...Int32(64) where number != SIGKILL && number != SIGSTOP { signal(number, SIG_DFL) }
    signal(SIGPIPE, SIG_IGN)
    var none = sigset_t()
    sigemptyset(&none)
    sigprocmask(SIG_SETMASK, &none, nil)
  }

  /// <bits/resource.h>: CPU 0, FSIZE 1, DATA 2, STACK 3, CORE 4, RSS 5, NPROC 6, NOFILE 7, MEMLOCK 8, AS 9.
  private static func resetLimits() {
    for resource in [0, 1, 2, 5, 9] { raise(resource, to: .max) }
    var none = (UInt64(0), UInt64(0))
    _ = withUnsafeMutablePointer(to: &none) { otel_syscall6(Int(SYS_prlimit64), 0, 4, Int(bitPattern: $0), 0, 0, 0) }
  }

  /// Soft and hard limit to `most` where that is permitted, else the soft limit to the hard one.
  private static func raise(_ resource: Int, to most: UInt64) {
    var limits = (UInt64(0), UInt64(0))
    guard withUnsafeMutablePointer(to: &limits, { otel_syscall6(Int(SYS_prlimit64), 0, resource, 0, Int(bitPattern: $0), 0, 0) }) == 0 else { return }
    var wanted = (max(limits.0, most), max(limits.1, most))
    if withUnsafeMutablePointer(to: &wanted, { otel_syscall6(Int(SYS_prlimit64), 0, resource, Int(bitPattern: $0), 0, 0, 0) }) != 0 {
      wanted = (limits.1, limits.1)
      _ = withUnsafeMutablePointer(to: &wanted) { otel_syscall6(Int(SYS_prlimit64), 0, resource, Int(bitPattern: $0), 0, 0, 0) }
    }
  }

  private static func resetScheduling() {
    var parameters = sched_param()
    // SCHED_BATCH: the relay wakes up for what programs do, and must not take the processor from them when it does (sched(7)).
    sched_setscheduler(0, 3, &parameters)
    setpriority(__priority_which_t(0), 0, 0)  // PRIO_PROCESS
    let bestEffort = 2 << 13 | 4  // ioprio_set(2): class best effort, level 4, which is the default
    _ = otel_syscall6(Int(SYS_ioprio_set), 1, 0, bestEffort, 0, 0, 0)
    // What the kernel and the cpuset allow of it.
    var all = [UInt64](repeating: .max, count: 128)
    _ = all.withUnsafeMutableBytes { otel_syscall6(Int(SYS_sched_setaffinity), 0, $0.count, Int(bitPattern: $0.baseAddress), 0, 0, 0) }
  }

  private static func write(_ text: String, to path: String) {
    let file = open(path, O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    _ = text.withCString { Glibc.write(file, $0, strlen($0)) }
    close(file)
  }
}
