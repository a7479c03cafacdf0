import COTelShims
import Glibc
import OTelPrimitives

/// A process whose parent says how it ended, so that the spans it left open can say so too. The parent is a launcher: the receiver itself
/// (`--view`), or the first process of the receiver's pid name space.
package struct WatchedChild {
  /// In the receiver's own pid name space.
  package let processID: Int
  /// As waitpid(2) has it; nil while it runs.
  package var status: Int32?
  /// When the last of the programs that it was, one after the other by execve(2), loaded the agent.
  private var lastStart: UInt64 = 0

  /// Between the end of a process's memory and its parent's word.
  static let longestDying: UInt64 = 1_000_000_000

  package init(processID: Int, status: Int32? = nil) { (self.processID, self.status) = (processID, status) }

  /// A region has come that may be the child's.
  package mutating func notice(_ identity: ProcessIdentity) {
    if isItself(identity), let start = identity.startTimeUnixNano { lastStart = max(lastStart, start) }
  }

  /// Ids of processes mean something only within one name space.
  private func isItself(_ identity: ProcessIdentity) -> Bool {
    guard identity.processID == processID, let namespace = Self.ownNamespace else { return false }
    return identity.pidNamespace == namespace
  }

  /// Whether `attached` is to be left alone for now: the child's memory is gone, and what ended it will be known in a moment. If it is
  /// known, `attached` has it from here on.
  package func isDying(_ attached: AttachedRegion, now: UInt64) -> Bool {
    guard attached.phase == .live, isItself(attached.identity), attached.region.isAbandoned() else { return false }
    if let status {
      let signal = status & 0x7f
      if signal != 0, attached.identity.startTimeUnixNano ?? 0 >= lastStart { attached.endingErrorType = SignalName.text(signal) }
      return false
    }
    // By execve(2) a process loses its memory as well, and gets another.
    guard !Self.hasMemory(processID) else { return false }
    let since = attached.abandonedAt ?? now
    attached.abandonedAt = since
    guard now - since < Self.longestDying else { return false }
    attached.nextScan = now + RegionReader.shortestPause
    return true
  }

  /// Inode number; nil when it is not known (no /proc).
  private static var ownNamespace: UInt64? {
    let inode = otel_pid_namespace()
    return inode == 0 ? nil : inode
  }

  /// proc_pid_statm(5): of a process that is about to end, and of a zombie, all numbers are 0.
  private static func hasMemory(_ processID: Int) -> Bool {
    let file = open("/proc/\(processID)/statm", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return false }
    defer { close(file) }
    var first: UInt8 = 0
    return read(file, &first, 1) == 1 && first != UInt8(ascii: "0")
  }
}
