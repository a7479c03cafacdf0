@preconcurrency import Glibc
import OTelInspection
import OTelReceiver
import OTelRegion
import OTelView

/// The relay of one viewed run, inside the launcher: takes the regions of the program and of what it starts, and keeps their spans.
///
/// It listens in a directory that nobody else may enter. One thread.
final class ViewRelay {
  private struct Member {
    let attached: AttachedRegion
    let consumer: ViewConsumer
  }

  private let directory: ViewDirectory
  private let listener: Listener
  private let reader = RegionReader()
  private let kept = KeptSpans()
  private var members: [Member] = []
  private var connections: [Connection] = []
  private var acceptsAgainAt: UInt64 = 0
  /// The program, once it has been started.
  var child: WatchedChild?
  private var dropped: [String: Int] = [:]

  private static let mostConnections = 1024
  /// A peer that connected and says nothing.
  private static let longestSilence: UInt64 = 2_000_000_000

  init(environment: Environment) throws(LaunchError) {
    (directory, listener) = try ViewDirectory.make(environment)
  }

  /// Value of `OTEL_NATIVE_RELAY` for the program.
  var address: ByteString { ByteString("unix:" + directory.socket) }

  /// Nothing is left of it in the file system.
  func remove() {
    listener.close()
    directory.remove()
  }

  // MARK: The loop

  /// To be waited for.
  var descriptors: [Int32] { (acceptsAgainAt == 0 ? [listener.descriptor] : []) + connections.map(\.descriptor) }

  /// Milliseconds until something has to be looked at; -1: only when a descriptor is ready.
  func pause(now: UInt64) -> Int32 {
    var next = members.map(\.attached.nextScan).min() ?? .max
    if !connections.isEmpty { next = min(next, now + 100_000_000) }
    if acceptsAgainAt > 0 { next = min(next, acceptsAgainAt) }
    if next == .max { return -1 }
    return next <= now ? 0 : Int32(min((next - now + 999_999) / 1_000_000, 1000))
  }

  /// Takes in whoever comes, and reads what is due.
  func turn(now: UInt64) {
    takeIn(now)
    for member in members where member.attached.nextScan <= now && child?.isDying(member.attached, now: now) != true { scan(member, now) }
    release()
  }

  private func scan(_ member: Member, _ now: UInt64) { reader.scan(member.attached, into: member.consumer, now: now, mayQueue: true) }

  /// Reads the rest. Processes that go on are told that nobody reads them any more.
  /// - Parameter status: of the program, as waitpid(2) has it.
  func finish(status: Int32) -> SpanCollection {
    child?.status = status
    listener.refuseNewcomers()
    let now = monotonicNanoseconds()
    acceptsAgainAt = 0
    takeIn(now)
    for member in members {
      _ = child?.isDying(member.attached, now: now)
      scan(member, now)
    }
    release()
    for member in members where member.attached.phase == .live {
      member.attached.region.write(RelayState.detached, at: Layout.relayStateOffset)
    }
    runningProcesses = Set(members.filter { $0.attached.phase == .live }.map(\.consumer.process)).count
    for member in members { count(member.attached) }
    return kept.spans
  }

  private(set) var runningProcesses = 0

  /// Spans that did not arrive, by reason.
  var losses: [(count: Int, reason: String)] { dropped.map { ($0.value, $0.key) }.sorted { ($1.0, $0.1) < ($0.0, $1.1) } }

  private func release() {
    members.removeAll { member in
      guard member.attached.isFinished else { return false }
      count(member.attached)
      return true
    }
  }

  private func count(_ attached: AttachedRegion) {
    for reason in RelayDropReason.allCases where attached.drops[reason] > 0 { dropped[reason.explanation, default: 0] += attached.drops[reason] }
    for reason in DropReason.allCases {
      let number = Int(clamping: attached.hostDrops[reason.rawValue])
      if number > 0 { dropped[reason.explanation, default: 0] += number }
    }
  }

  // MARK: Peers

  private func takeIn(_ now: UInt64) {
    acceptAll(now)
    connections.removeAll { handle($0, now) || now - $0.acceptedAt > Self.longestSilence }
  }

  private func acceptAll(_ now: UInt64) {
    guard acceptsAgainAt <= now else { return }
    acceptsAgainAt = 0
    while connections.count < Self.mostConnections {
      switch listener.accept(now: now) {
      case .nobody: return
      case .exhausted:
        acceptsAgainAt = now + 100_000_000
        return
      case .connection(let connection):
        // Nobody else can get into the directory, but for root.
        guard connection.userID == geteuid() || connection.userID == 0 else { continue }
        if !handle(connection, now) { connections.append(connection) }
      }
    }
  }

  /// Whether the connection has said what it wants.
  private func handle(_ connection: Connection, _ now: UInt64) -> Bool {
    guard let message = connection.receive() else { return false }
    switch message {
    case .region(let descriptor, let files):
      if let files { close(files) }  // Nothing is exported.
      attach(descriptor, connection, now)
    case .status: connection.send("otel-instrument --view, pid \(getpid()): \(kept.spans.entries.count) spans so far. Nothing is exported.\n")
    // Nothing is exported, so nothing is to be waited for.
    case .drain: connection.send("drained\n")
    // How the program ended is known here by its parent.
    case .process(let descriptor): close(descriptor)
    case .child, .nothing, .invalid: break
    }
    return true
  }

  private func attach(_ descriptor: Int32, _ connection: Connection, _ now: UInt64) {
    guard let region = try? Region(adopting: descriptor) else {
      dropped[RelayDropReason.corruptRegion.explanation, default: 0] += 1
      return
    }
    guard !members.contains(where: { $0.attached.region.identifier == region.identifier }) else { return }
    let identity = ProcessIdentity(region.identity())
    let attached = AttachedRegion(region, identity: identity, peerUserID: connection.userID, now: now)
    reader.attach(attached, now: now)
    child?.notice(identity)
    members.append(Member(attached: attached, consumer: ViewConsumer(kept, identity)))
  }
}

/// What is kept of a run.
private final class KeptSpans {
  var spans = SpanCollection()
}

/// Takes the spans of one region. What is kept and what is counted, it is nobody else's.
private final class ViewConsumer: SpanConsumer {
  private let kept: KeptSpans
  let process: Int

  init(_ kept: KeptSpans, _ identity: ProcessIdentity) {
    self.kept = kept
    let service = identity.userAttributes.last { $0.key == "service.name" && !$0.value.isEmpty }?.value
    process = kept.spans.add(ViewedProcess(processID: identity.processID, serviceName: service, executableName: identity.executableName ?? "?"))
  }

  var room: Int { .max }

  func consume(_ span: UnsafeRawBufferPointer, tag: RecordTag, ringEnd: UInt64, now: UInt64) { kept.spans.add(span, process: process) }

  func hasRead(_ attached: AttachedRegion) { attached.advanceExported(to: attached.readPosition) }

  func discardWaiting() -> Int { 0 }
}
