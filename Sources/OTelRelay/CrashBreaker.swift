import COTelShims
import Glibc
import OTelReceiver

/// Leaves the agent out of a program that may be dying of it.
///
/// When the last three processes of one executable were each ended by a signal of the kind that faults raise, within two seconds of their first
/// span, none of them having ended well in between, the next ones are left alone for five minutes: launcher and agent read so in a
/// file in the private directory, and nobody else pays for it. The program's own fault looks the same. Then this does no harm, and rules the
/// agent out.
///
/// How a process ended the kernel tells who holds a pidfd of it (Linux 6.15). Without that nothing is known, and nothing is concluded: a
/// program that leaves by _exit or executes another looks, from its region, like one that crashed.
final class CrashBreaker {
  static let limit = 3
  static let shortLife: UInt64 = 2_000_000_000
  /// Seconds.
  static let pause: UInt64 = 300
  /// After so many seconds an earlier crash is none in a row.
  static let memory: UInt64 = 600
  /// A process may stay a zombie; until its parent has asked for its status nobody else is told.
  private static let patience: UInt64 = 4_000_000_000
  private static let mostWatched = 4096
  private static let faults: Set<Int32> = [SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS]

  private struct Watched {
    let region: AttachedRegion
    let process: Int32
    let since: UInt64
  }

  private let record: CrashRecord?
  private let log: RelayLog
  private var watched: [Watched] = []

  /// - Parameter listener: a private one has a directory; without that there is nothing to write to, and nobody is watched.
  init(beside listener: Listener, log: RelayLog) {
    self.log = log
    record = listener.peers == .own && listener.name.hasPrefix("/") ? CrashRecord(besides: listener.name) : nil
  }

  deinit { for process in watched { close(process.process) } }

  /// - Parameter process: a pidfd; closed here.
  func watch(_ region: AttachedRegion?, process: Int32, now: UInt64) {
    guard record != nil, let region, let path = region.identity.executablePath, !path.contains("\n"), watched.count < Self.mostWatched else {
      close(process)
      return
    }
    watched.append(Watched(region: region, process: process, since: now))
  }

  /// Somebody's end is not known yet.
  var isWaiting: Bool { watched.contains { $0.region.phase == .ended } }

  /// Programs that are left alone now: what to tell of each.
  var sentences: [String] {
    guard let record else { return [] }
    let now = wallClockNanoseconds() / 1_000_000_000
    return record.read().filter { $0.until > now }.map { sentence($0, record) }
  }

  /// Judges those that have ended.
  func look(_ now: UInt64) {
    guard watched.contains(where: { $0.region.phase != .live }) else { return }
    watched.removeAll { process in
      guard process.region.phase != .live else { return false }
      // A process that goes on, with a newer region.
      if process.region.phase == .ended {
        guard let status = Self.exitStatus(process.process) else {
          if now - process.region.endedAt < Self.patience { return false }
          close(process.process)
          return true
        }
        judge(process, signal: status & 0x7f)
      }
      close(process.process)
      return true
    }
  }

  private func judge(_ process: Watched, signal: Int32) {
    guard let record, let path = process.region.identity.executablePath else { return }
    let (life, now) = (process.region.endedAt - min(process.region.endedAt, process.since), wallClockNanoseconds() / 1_000_000_000)
    guard Self.faults.contains(signal), life <= Self.shortLife else { return record.forget(path, now: now) }
    var crash = record.read().first { $0.path == path } ?? CrashRecord.Entry(path: path)
    guard crash.until <= now else { return }
    crash.count = now - min(now, crash.last) > Self.memory ? 1 : crash.count + 1
    crash.last = now
    log.info("process \(process.region.identity.processID ?? 0) (\(path)) was killed by signal \(signal) within 2 s of its first span: \(crash.count) in a row")
    if crash.count >= Self.limit {
      (crash.count, crash.until) = (0, now + Self.pause)
      log.error(sentence(crash, record))
    }
    if !record.write(crash) { log.warning("\(record.file) cannot be written, so a program that crashes again and again keeps the agent") }
  }

  private func sentence(_ crash: CrashRecord.Entry, _ record: CrashRecord) -> String {
    "\(crash.path) was killed by a signal within 2 s of its first span \(Self.limit) times in a row: it runs without the agent until "
      + "\(timestamp(crash.until * 1_000_000_000)), in case that was the agent's fault. To switch it on again at once: rm \(record.file)"
  }

  /// PIDFD_GET_INFO with PIDFD_INFO_EXIT (linux/pidfd.h); nil as long as the parent has not asked, and on older kernels.
  private static func exitStatus(_ process: Int32) -> Int32? {
    let exit: UInt64 = 1 << 3
    // struct pidfd_info, its first version: mask, cgroup, eleven ids, exit_code.
    var information = [UInt32](repeating: 0, count: 16)
    information[0] = UInt32(exit)
    let request = 3 << 30 | 64 << 16 | 0xff << 8 | 11  // _IOWR(0xff, 11, struct pidfd_info)
    let result = information.withUnsafeMutableBytes { otel_syscall6(Int(SYS_ioctl), Int(process), request, Int(bitPattern: $0.baseAddress), 0, 0, 0) }
    return result == 0 && UInt64(information[0]) & exit != 0 ? Int32(bitPattern: information[15]) : nil
  }
}
