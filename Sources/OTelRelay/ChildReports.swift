import Glibc
import OTelReceiver

/// What launchers that stay as first processes tell of their programs (`OTEL_MESSAGE_CHILD`).
///
/// Their connections say nothing for as long as the programs run, and are no reason for a relay to stay.
struct ChildReports {
  private var reports: [(connection: Connection, child: WatchedChild)] = []

  /// A name space has one first process, and that has one program.
  private static let most = 16

  var descriptors: [Int32] { reports.map(\.connection.descriptor) }

  /// Only the first process of our own pid name space is believed: that is what a pid of 1 means in the credentials of a peer, whatever
  /// it calls itself. False: it is not.
  mutating func add(_ connection: Connection, processID: Int32, status: Int32?) -> Bool {
    guard connection.processID == 1, connection.userID == geteuid(), reports.count < Self.most else { return false }
    reports.append((connection, WatchedChild(processID: Int(processID), status: status)))
    return true
  }

  /// Hears what there is to hear, and forgets those who left without a word.
  mutating func receive() {
    for index in reports.indices.reversed() {
      switch reports[index].connection.receive() {
      case nil: break
      case .child(let processID, let status) where processID == reports[index].child.processID: reports[index].child.status = status
      default: if reports[index].child.status == nil { reports.remove(at: index) }
      }
    }
  }

  /// A process's region has come.
  mutating func notice(_ identity: ProcessIdentity) {
    for index in reports.indices { reports[index].child.notice(identity) }
  }

  func isDying(_ attached: AttachedRegion, now: UInt64) -> Bool { reports.contains { $0.child.isDying(attached, now: now) } }

  var haveEnded: Bool { reports.contains { $0.child.status != nil } }

  /// To be called when the regions have been looked at: from here on the pid may be another process's.
  mutating func forgetEnded() { reports.removeAll { $0.child.status != nil } }
}
