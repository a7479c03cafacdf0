import CCurl
import COTelShims
package import OTelExport
import Glibc
import OTelConfiguration
import OTelPrimitives
package import OTelReceiver
import OTelRegion

/// The event loop: takes regions in, reads them, sends what is in them, answers questions, and leaves in good order.
///
/// One thread. What libcurl does in others (name look-ups) is its own.
package final class Relay {
  package struct Options {
    /// It was started by a process that found none, and leaves when nobody needs it.
    package var leavesWhenIdle: Bool
    /// Longest time that the last export may take.
    package var exitNanoseconds: UInt64 = 5_000_000_000

    package init(leavesWhenIdle: Bool) { self.leavesWhenIdle = leavesWhenIdle }
  }

  /// Ended processes whose spans wait for a collector that does not take them: at most so many, and so long.
  static let mostEnded = 4096
  static let longestWait: UInt64 = 300_000_000_000
  /// A peer that connected and says nothing.
  static let longestSilence: UInt64 = 2_000_000_000
  static let mostConnections = 1024

  package typealias MakeExporter = (OTLPExporterOptions) -> (any SpanExporter)?

  let options: Options
  let listener: Listener
  let log: RelayLog
  private let engine: TransferEngine
  private let makeExporter: MakeExporter
  private let reader = RegionReader()
  private let budget = QueueBudget()
  private let resources: ResourceBuilder
  /// How long it stays after it said that it goes, if there is something that nobody has: a process that has recorded its last span is
  /// about to end, on a busy machine not at once.
  private static let parting: UInt64 = 2_000_000_000
  /// How long a process may not have seen it: it looks ten times a second (RegionLifecycle), and may end between two looks.
  private static let unseen: UInt64 = 150_000_000
  let startedAt = wallClockNanoseconds()

  private(set) var regions: [ServedRegion] = []
  private(set) var destinations: [Destination.Key: Destination] = [:]
  private(set) var totals = Totals()
  private var connections: [Connection] = []
  private var drains: [DrainWaiter] = []
  private var children = ChildReports()
  private var misunderstood = MisunderstoodSettings()
  var settings: [InvalidSetting] { misunderstood.all }
  let breaker: CrashBreaker
  private var acceptsAgainAt: UInt64 = 0
  private var signals: Int32 = -1

  package init(listener: Listener, options: Options, engine: TransferEngine, log: RelayLog, makeExporter: @escaping MakeExporter) {
    self.listener = listener
    self.options = options
    self.engine = engine
    self.log = log
    self.makeExporter = makeExporter
    breaker = CrashBreaker(beside: listener, log: log)
    resources = ResourceBuilder(host: HostResource(root: ""))
  }

  deinit { if signals >= 0 { close(signals) } }

  /// Runs until a signal asks for the end, or nobody needs the relay any more.
  package func run() {
    catchSignals()
    log.info("relay \(Product.version) listens at \(listener.name)")
    var idle = IdlePolicy(now: monotonicNanoseconds())
    while true {
      turn(flush: false)
      if let signal = pendingSignal() {
        log.info("relay ends: signal \(signal)")
        break
      }
      guard options.leavesWhenIdle else { continue }
      let isServing = !connections.isEmpty || !drains.isEmpty || regions.contains { $0.phase == .live }
      if idle.shouldLeave(now: monotonicNanoseconds(), isServing: isServing, hasUndelivered: !regions.isEmpty) {
        log.info("relay ends: nobody is attached")
        break
      }
    }
    finish()
  }

  /// One round: waits until something can happen, and does it.
  /// - Parameters:
  ///   - flush: everything that waits is due.
  ///   - limit: of the wait, in milliseconds.
  package func turn(flush: Bool, limit: Int32 = 1000) {
    var descriptors = waitList()
    engine.wait(for: &descriptors, milliseconds: pause(limit: limit, flush: flush))
    engine.perform()
    let now = monotonicNanoseconds()
    acceptAll(now)
    receive(now)
    children.receive()
    let isDraining = !drains.isEmpty
    scan(now, all: flush || isDraining || children.haveEnded, waits: !flush)
    children.forgetEnded()
    breaker.look(now)
    beginDrains(now)
    boundEnded(now)
    for destination in destinations.values { destination.sendIfDue(now: now, flush: flush || isDraining) }
    engine.perform()
    release()
    answerDrains()
  }

  // MARK: Waiting

  private func waitList() -> [curl_waitfd] {
    var list: [curl_waitfd] = []
    func add(_ descriptor: Int32) { if descriptor >= 0 { list.append(curl_waitfd(fd: descriptor, events: Int16(CURL_WAIT_POLLIN), revents: 0)) } }
    add(signals)
    if acceptsAgainAt == 0, connections.count < Self.mostConnections { add(listener.descriptor) }
    for descriptor in connections.map(\.descriptor) + children.descriptors { add(descriptor) }
    for drain in drains { add(drain.connection.descriptor) }
    return list
  }

  private func pause(limit: Int32, flush: Bool) -> Int32 {
    let now = monotonicNanoseconds()
    var next = now + UInt64(limit) * 1_000_000
    if flush || !drains.isEmpty { next = min(next, now + RegionReader.shortestPause) }
    for region in regions { next = min(next, region.attached.nextScan) }
    for destination in destinations.values { if let due = destination.nextDue() { next = min(next, due) } }
    if !connections.isEmpty || breaker.isWaiting { next = min(next, now + 100_000_000) }
    if acceptsAgainAt > 0 { next = min(next, acceptsAgainAt) }
    // Rounded up: a wait that ends too early would be a round for nothing.
    return next <= now ? 0 : Int32(min((next - now + 999_999) / 1_000_000, UInt64(limit)))
  }

  // MARK: Peers

  private func acceptAll(_ now: UInt64) {
    if acceptsAgainAt > 0, now < acceptsAgainAt { return }
    acceptsAgainAt = 0
    while connections.count < Self.mostConnections {
      switch listener.accept(now: now) {
      case .nobody: return
      case .exhausted:
        log.error("no descriptor is left for another process: it waits. Raise the limit of open files (ulimit -n) of whoever starts the relay.")
        acceptsAgainAt = now + 100_000_000
        return
      case .connection(let connection):
        if listener.peers == .own, connection.userID != geteuid() {
          log.warning("a process of user \(connection.userID) was turned away: this relay serves user \(geteuid()) only")
        } else if !handle(connection, now) {
          connections.append(connection)
        }
      }
    }
  }

  private func receive(_ now: UInt64) {
    connections.removeAll { handle($0, now) || now - $0.acceptedAt > Self.longestSilence }
  }

  /// Whether the connection has said what it wants.
  private func handle(_ connection: Connection, _ now: UInt64) -> Bool {
    guard let message = connection.receive() else { return false }
    switch message {
    case .region(let descriptor, let files):
      connection.region = attach(descriptor, files: files.map(SealedFile.contents(adopting:)) ?? [], connection, now)
      // Its process is next, if it says so.
      return connection.region == nil || handle(connection, now)
    case .process(let descriptor): breaker.watch(connection.region, process: descriptor, now: now)
    case .status(let isJSON):
      scan(now, all: true)
      let report = StatusReport(self, for: connection.userID)
      connection.send(isJSON ? report.json : report.text)
    case .drain: drains.append(DrainWaiter(connection))
    case .child(let processID, let status):
      if !children.add(connection, processID: processID, status: status) {
        log.warning("process \(connection.processID) told of a child; it is not the first process here, and was not believed")
      }
    case .nothing: break
    case .invalid(let why): log.warning("a message of process \(connection.processID) was ignored: \(why)")
    }
    return true
  }

  private func attach(_ descriptor: Int32, files: [UInt8], _ connection: Connection, _ now: UInt64) -> AttachedRegion? {
    do throws(RegionError) {
      let region = try Region(adopting: descriptor)
      // A process whose hand-over failed halfway may try again; its spans are not to be sent twice.
      guard !regions.contains(where: { $0.attached.region.identifier == region.identifier }) else { return nil }
      let bytes = region.identity()
      let (identity, settings) = (ProcessIdentity(bytes), ExportSettings(bytes, files: files))
      guard let destination = destination(for: settings.exporter, userID: connection.userID) else { return nil }
      for setting in misunderstood.add(settings.problems + identity.problems, identity: bytes) { log.warning(setting.description) }
      let resource = resources.encoded(identity, instance: region.instance)
      let attached = AttachedRegion(region, identity: identity, peerUserID: connection.userID, now: now)
      reader.attach(attached, now: now)
      children.notice(identity)
      regions.append(ServedRegion(attached, batch: settings.batch, resource: resource, destination: destination))
      log.debug("process \(identity.processID ?? Int(connection.processID)) (\(identity.serviceName)) attached region \(region.ordinal)")
      return attached
    } catch {
      log.warning("a region of process \(connection.processID) was refused: \(error.description)")
      return nil
    }
  }

  private func destination(for options: OTLPExporterOptions, userID: UInt32) -> Destination? {
    let key = Destination.Key(options: options, userID: userID)
    if let found = destinations[key] { return found }
    guard let exporter = makeExporter(options) else {
      log.error("\(options.endpoint.displayURL): no memory for another destination: a process is not served")
      return nil
    }
    forgetIdleDestinations()
    let destination = Destination(key, exporter: exporter, budget: budget, log: log)
    destinations[key] = destination
    return destination
  }

  /// Keeps the table small when programs invent endpoints.
  private func forgetIdleDestinations() {
    guard destinations.count >= 256 else { return }
    let used = Set(regions.map { ObjectIdentifier($0.destination) })
    destinations = destinations.filter { !$0.value.isIdle || used.contains(ObjectIdentifier($0.value)) }
  }

  // MARK: Regions

  /// - Parameter waits: for what ended a process, where that will be told in a moment.
  private func scan(_ now: UInt64, all: Bool, waits: Bool = true) {
    for region in regions where all || region.attached.nextScan <= now {
      if children.isDying(region.attached, now: now), waits { continue }
      reader.scan(region.attached, into: region, now: now, mayQueue: budget.allows(region.destination))
    }
  }

  /// Gives up what cannot be delivered for too long, the oldest first.
  private func boundEnded(_ now: UInt64) {
    guard destinations.values.contains(where: \.isFailing) else { return }
    var undeliverable = 0
    for region in regions where region.isUndeliverable { undeliverable += 1 }
    for region in regions where region.isUndeliverable {
      guard undeliverable > Self.mostEnded || now - region.attached.endedAt > Self.longestWait else { return }
      reader.abandon(region.attached, of: region)
      undeliverable -= 1
    }
  }

  private func release() {
    guard regions.contains(where: \.isFinished) else { return }
    for region in regions where region.isFinished {
      totals.add(region)
      if region.attached.drops[.corruptRegion] > 0 {
        log.warning("process \(region.identity.processID ?? 0) (\(region.identity.serviceName)): its region's indices made no sense; what was left in it is lost")
      }
    }
    regions.removeAll(where: \.isFinished)
  }

  // MARK: Drains

  private func beginDrains(_ now: UInt64) {
    for drain in drains where drain.targets == nil {
      guard connections.allSatisfy({ $0.acceptedAt > drain.connection.acceptedAt }) else { continue }
      scan(now, all: true)
      drain.begin(with: regions)
    }
  }

  private func answerDrains() {
    drains.removeAll { drain in
      if drain.isDone {
        drain.connection.send("drained\n")
        return true
      }
      return drain.connection.isGone
    }
  }

  // MARK: The end

  /// Ends in good order: nobody is let in, what is there is read and exported in bounded time, and living processes are told, so
  /// that they take back what is not exported.
  package func finish() {
    listener.refuseNewcomers()
    acceptAll(monotonicNanoseconds())
    listener.close()
    let deadline = monotonicNanoseconds() + options.exitNanoseconds
    turn(flush: true, limit: 0)
    // What living processes record from here on they take to the next relay.
    let targets = regions.map { (region: $0, tail: $0.attached.tail) }
    while monotonicNanoseconds() < deadline, !connections.isEmpty || targets.contains(where: { !$0.region.isCaughtUp(to: $0.tail) }) {
      turn(flush: true, limit: 50)
    }
    awaitRequestsUnderWay(until: deadline)
    for destination in destinations.values { destination.cancel() }
    for region in regions where region.phase == .live { region.attached.region.write(RelayState.detached, at: Layout.relayStateOffset) }
    exportEndedMeanwhile(until: deadline)
    for region in regions where region.phase != .live { reader.abandon(region.attached, of: region) }
    release()
    reportLosses()
  }

  /// Who ended after the last look, and before it could see that the relay goes, has told nobody else. Of the living, those that are about
  /// to end get a moment to do so, or to take elsewhere what they have.
  private func exportEndedMeanwhile(until deadline: UInt64) {
    func scanEnded() {
      for region in regions where region.phase == .ended || region.phase == .live && region.attached.region.isAbandoned() {
        reader.scan(region.attached, into: region, now: monotonicNanoseconds(), mayQueue: true)
      }
    }
    let start = monotonicNanoseconds()
    let (unseen, moment) = (min(deadline, start + Self.unseen), min(deadline, start + Self.parting))
    func isAwaited(_ region: ServedRegion) -> Bool {
      reader.holdsUnexported(region.attached) || region.phase == .live && monotonicNanoseconds() < unseen
    }
    while monotonicNanoseconds() < moment, regions.contains(where: isAwaited) {
      pauseForTransfers(milliseconds: 5)
      scanEnded()
    }
    scanEnded()
    reportTakenBack()
    for region in regions where region.phase == .live { region.discardWaiting() }
    while monotonicNanoseconds() < deadline, regions.contains(where: { $0.phase == .ended && !$0.isFinished && !$0.destination.isFailing }) {
      for destination in destinations.values { destination.sendIfDue(now: monotonicNanoseconds(), flush: true) }
      pauseForTransfers(milliseconds: 5)
      scanEnded()
    }
    for destination in destinations.values { destination.cancel() }
  }

  private func pauseForTransfers(milliseconds: Int32) {
    var none: [curl_waitfd] = []
    engine.wait(for: &none, milliseconds: milliseconds)
    engine.perform()
  }

  /// What goes out with the spans above is of living processes too. The collector may have taken it already: given up now, it would be taken
  /// back, and arrive twice.
  private func awaitRequestsUnderWay(until deadline: UInt64) {
    while monotonicNanoseconds() < deadline, destinations.values.contains(where: \.isBusy) {
      pauseForTransfers(milliseconds: 50)
    }
  }

  private func reportLosses() {
    let lost = totals.drops[.undeliverable]
    if lost > 0 { log.error("relay ends with \(lost) spans of ended processes that could not be delivered") }
  }

  private func reportTakenBack() {
    for region in regions where region.phase == .live && !region.queue.isEmpty {
      log.info("process \(region.identity.processID ?? 0) takes back \(region.queue.count) spans that were not delivered")
    }
  }

  // MARK: Signals

  private func catchSignals() {
    var set = sigset_t()
    sigemptyset(&set)
    for number in [SIGTERM, SIGINT, SIGHUP] { sigaddset(&set, number) }
    sigprocmask(SIG_BLOCK, &set, nil)
    let flags = Int(O_NONBLOCK | O_CLOEXEC)  // SFD_NONBLOCK and SFD_CLOEXEC are the same bits (signalfd(2)).
    signals = Int32(withUnsafeMutablePointer(to: &set) { otel_syscall6(Int(SYS_signalfd4), -1, Int(bitPattern: $0), 8, flags, 0, 0) })
  }

  private func pendingSignal() -> UInt32? {
    guard signals >= 0 else { return nil }
    var information = [UInt32](repeating: 0, count: 32)  // struct signalfd_siginfo: 128 bytes, ssi_signo first
    let count = information.withUnsafeMutableBytes { read(signals, $0.baseAddress, $0.count) }
    return count == 128 ? information[0] : nil
  }
}

extension ServedRegion {
  fileprivate var isUndeliverable: Bool { phase == .ended && inFlight == 0 && destination.isFailing }

  /// All before `position` is exported; or its process, which lives, takes it back from a collector that is down.
  fileprivate func isCaughtUp(to position: UInt64) -> Bool {
    isFinished || phase == .live && (attached.exportedPosition >= position || destination.isFailing)
  }
}
