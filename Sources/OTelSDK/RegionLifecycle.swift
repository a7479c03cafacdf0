import COTelShims
import OTelPrimitives
import OTelRegion

/// When a region is made, and when another takes its place. Once per process and, later, when the relay has gone: cold.
///
/// Nothing here waits. What a relay says (`RelayState`, `heartbeat`) is looked at ten times a second, when a record is made, and at
/// exit. A wrong guess costs a region and no span: the old one is marked as superseded, and a relay that still has it forgets it.
public struct RegionLifecycle {
  let options: UnsafeMutablePointer<TracerOptions>

  @inline(__always)
  public init(options: UnsafeMutablePointer<TracerOptions>) { self.options = options }

  private var process: ProcessState { ProcessState(page: options.pointee.page) }

  private static let second: UInt64 = 1_000_000_000
  /// How often the relay's words are looked at, while records are made.
  private static let interval = second / 10
  /// A relay says about once a second that it lives.
  private static let heartbeatLimit = 5 * second
  /// A relay that has just been started takes some milliseconds; a busy machine may need longer.
  private static let takingLimit = 3 * second
  private static let longestPause = 60 * second
  /// Of many that look for a relay at once one is elected; the others may come a moment before it listens.
  private static let shortestPause: UInt64 = 10_000_000

  /// Sees to it that there is a region that somebody has. False: none, the span passes by.
  @inline(never)
  public func attach(now: UInt64) -> Bool {
    // A thread that is cancelled in here (asynchronously: nothing here is a cancellation point) would leave the process "busy" for ever.
    let before = otel_cancellation_defer()
    defer { otel_cancellation_restore(before) }
    return attachUndisturbed(now: now)
  }

  private func attachUndisturbed(now: UInt64) -> Bool {
    let phase = process.phase.loadAcquiring()
    if phase == ProcessState.Phase.attached {
      check(now: now)
      return true
    }
    guard !otel_host_filtered() else { return false }
    guard phase != ProcessState.Phase.busy else {
      // Another thread is replacing the region. What is written to the old one meanwhile is carried over.
      return process.regionAddress != nil
    }
    // Until all is in its place: a handler that forked in between would have its child return to a half-made state.
    let signals = otel_signals_block()
    defer { otel_signals_restore(signals) }
    guard !isFaulty("fault: nobody else makes the region"), process.phase.replace(phase, with: ProcessState.Phase.busy) == nil else {
      return false
    }
    guard let made = make() else {
      // Out of memory, a limit, an old kernel: try again later, seldom.
      process.nextCheck.store(options.pointee.isLeftAlone ? .max : now &+ Self.longestPause)
      process.phase.storeReleasing(ProcessState.Phase.failed)
      return false
    }
    process.handedOverAt.store(made.handedOver ? now | 1 : 0)
    setClock()
    if options.pointee.exportsToConsole { ConsoleExporter(options: options).prepare() }
    process.region.storeReleasing(UInt64(truncatingIfNeeded: UInt(bitPattern: made.region)))
    countPassed()
    process.nextCheck.store(now &+ (made.handedOver ? Self.interval : Self.shortestPause))
    process.phase.storeReleasing(ProcessState.Phase.attached)
    return true
  }

  /// Gives the region, once it is there, the number of spans that ended before. Both who makes it and who counts one do so, the latter after he has
  /// counted: none is left over.
  func countPassed() {
    guard let region = process.regionAddress else { return }
    var passed = process.passed.load()
    while passed != 0 {
      guard let other = process.passed.replace(passed, with: 0) else {
        HostRegion(region: region).drops(.attaching).add(passed)
        return
      }
      passed = other
    }
  }

  /// Whether the process's first region is being made just now.
  var isBeginning: Bool { process.phase.loadAcquiring() == ProcessState.Phase.busy && process.region.load() == 0 }

  private func setClock() {
    let (wall, monotonic) = (otel_realtime(), otel_monotonic())
    guard wall != 0, monotonic != 0 else { return }
    // 0 says that there is none. libfaketime makes both clocks one, where the difference may well be 0: a nanosecond beside it is as good.
    process.clock.store(wall == monotonic ? 1 : wall &- monotonic)
  }

  private func make() -> (region: UnsafeMutableRawPointer, handedOver: Bool)? {
    let thread = otel_thread_self()
    if process.instanceHigh.load() == 0 {
      process.instanceHigh.store(RandomSource.next(thread))
      process.instanceLow.store(RandomSource.next(thread))
    }
    // The slots are needed, a relay is not: no helper, no descriptor, nothing outside of the process.
    guard options.pointee.exportsToRelay else { return otel_region_make_private(Layout.size).map { ($0, true) } }
    var request = options.pointee.region
    // Not from the thread's generator: who sees ids could tell what comes next, and nobody may know the stamps.
    var secret: UInt64 = 0
    if !otel_random(&secret, 1) { secret = RandomSource.mix(process.secretHigh.load() ^ otel_monotonic()) }
    process.ordinal.add(1)
    request.size = Layout.size
    request.magic = Layout.magic
    request.magic_offset = Layout.magicOffset
    request.identity_offset = Layout.identityOffset
    request.identity_capacity = Layout.identityCapacity
    request.identity_length_offset = Layout.identityLengthOffset
    request.words.0 = otel_region_word(offset: Layout.secretOffset, value: secret)
    request.words.1 = otel_region_word(offset: Layout.instanceOffset, value: process.instanceHigh.load())
    request.words.2 = otel_region_word(offset: Layout.instanceOffset + 8, value: process.instanceLow.load())
    request.words.3 = otel_region_word(offset: Layout.ordinalOffset, value: process.ordinal.load())
    // A relay started here would become a subreaper's child, which its wait(-1) would see.
    if request.relay.may_start, otel_process_is_subreaper() { request.relay.may_start = false }
    request.pid_namespace = otel_pid_namespace()
    request.process_id = otel_process_id()
    process.processID.store(UInt64(UInt32(bitPattern: request.process_id)))
    // So it would of the first process of a pid name space, which a fork child may have become since the agent was loaded.
    if request.process_id == 1, request.relay.environment.mode == OTEL_RELAY_AUTO { request.relay.may_start = false }
    guard otel_region_make(&request), let region = request.region else {
      if request.made == -ECANCELED { options.pointee.leaveAlone() }
      return nil
    }
    return (region, request.handed_over > 0)
  }

  // MARK: The relay's life

  enum Verdict { case fine, gone, doubtful }

  /// Whether `then` is at most `limit` before `now`. After it is as good: the relay, or another thread, was quicker than this one, which was
  /// held up since it looked at its clock.
  private static func isWithin(_ limit: UInt64, _ then: UInt64, _ now: UInt64) -> Bool { now &- then &+ limit <= 2 &* limit }

  func verdict(_ region: HostRegion, now: UInt64) -> Verdict {
    switch region.relayState {
    case RelayState.attached:
      // A heartbeat of another time name space is far off, and is doubted.
      return Self.isWithin(Self.heartbeatLimit, region.heartbeat, now) ? .fine : .doubtful
    case RelayState.none:
      let handedOverAt = process.handedOverAt.load()
      if handedOverAt == 0 { return .doubtful }
      return Self.isWithin(Self.takingLimit, handedOverAt, now) ? .fine : .doubtful
    default:
      return .gone
    }
  }

  /// Looks after the relay.
  private func check(now: UInt64) {
    let due = process.nextCheck.load()
    guard now >= due, process.nextCheck.replace(due, with: now &+ Self.interval) == nil else { return }
    setClock()
    guard options.pointee.exportsToRelay, !otel_host_filtered(), let address = process.regionAddress else { return }
    if process.retiring.load() != 0, now &- process.retiredAt.load() >= Self.second { finishRetiring() }
    switch verdict(HostRegion(region: address), now: now) {
    case .fine:
      process.renewals.store(0)
      process.failures.store(0)
    case .gone:
      if !renew(address, now: now) { pauseAfterFailure(now: now) }
    case .doubtful:
      guard renew(address, now: now) else { return pauseAfterFailure(now: now) }
      // Handed over, and perhaps to one that is stopped: each time twice as long until the next try.
      pause(now: now, Self.takingLimit, doubled: process.renewals.add(1))
    }
  }

  /// Nobody took the region. Soon again, then less and less often: what is in it would be lost with the process.
  private func pauseAfterFailure(now: UInt64) { pause(now: now, Self.shortestPause, doubled: process.failures.add(1)) }

  private func pause(now: UInt64, _ first: UInt64, doubled times: UInt64) {
    let length = first &<< (times < 13 ? times : 13)
    process.nextCheck.store(now &+ (length < Self.longestPause ? length : Self.longestPause))
  }

  /// Puts a fresh region in the place of `old` and carries over what was not exported. False when nobody took it: then `old` stays.
  private func renew(_ old: UnsafeMutableRawPointer, now: UInt64) -> Bool {
    let signals = otel_signals_block()
    defer { otel_signals_restore(signals) }
    guard process.phase.replace(ProcessState.Phase.attached, with: ProcessState.Phase.busy) == nil else { return false }
    defer { process.phase.storeReleasing(ProcessState.Phase.attached) }
    // Another thread has been quicker since this one looked. The region that is there now has a relay, which may be sending what is in it:
    // in the place of that one, a third would have it sent twice.
    guard process.regionAddress == old else { return true }
    guard let made = make() else { return false }
    guard made.handedOver else {
      otel_region_discard(made.region, Layout.size)
      return false
    }
    process.failures.store(0)
    finishRetiring()
    process.handedOverAt.store(now | 1)
    process.region.storeReleasing(UInt64(truncatingIfNeeded: UInt(bitPattern: made.region)))
    HostRegion(region: old).superseded.storeReleasing(1)
    carryCounters(from: old, to: made.region)
    let cursor = carryOver(from: old, to: made.region, start: HostRegion(region: old).exported, isLast: false)
    process.retiringCursor.store(cursor)
    process.retiredAt.store(now)
    process.retiring.storeReleasing(UInt64(truncatingIfNeeded: UInt(bitPattern: old)))
    return true
  }

  /// Carries over what was being written when the region was replaced, and gives its memory back.
  ///
  /// Its addresses stay taken: a thread that was about to write into it may only now be given the processor.
  private func finishRetiring() {
    let word = process.retiring.load()
    guard word != 0, process.retiring.replace(word, with: 0) == nil else { return }
    guard let old = UnsafeMutableRawPointer(bitPattern: UInt(truncatingIfNeeded: word)), let region = process.regionAddress else { return }
    _ = carryOver(from: old, to: region, start: process.retiringCursor.load(), isLast: true)
    _ = otel_region_retire(old, Layout.size)
  }

  /// Copies committed records from `start` on. Stops at one that is being written, unless this is the last look.
  func carryOver(from old: UnsafeMutableRawPointer, to new: UnsafeMutableRawPointer, start: UInt64, isLast: Bool) -> UInt64 {
    let source = RecordRing(region: old)
    let target = RecordRing(region: new)
    let tail = source.tail.loadAcquiring()
    let capacity = UInt64(truncatingIfNeeded: Layout.ringSize)
    guard start <= tail else { return tail }
    // What was read may have been overwritten since: then the ring holds one lap, from somewhere within a record on.
    let first = tail &- start > capacity ? tail &- capacity : start
    var walker = RecordWalker(ring: source.bytes, secret: source.secret, from: first, to: tail)
    if first != start { walker.synchronize() }
    var patience = isFaulty("fault: records are finished in time") ? 0 : 1000
    while true {
      switch walker.step() {
      case .record(let payload, let length, let tag):
        // When it does not fit, the ring has counted it.
        _ = target.append(payload, length: length, tag: tag)
      case .padding:
        continue
      case .unfinished:
        if patience > 0 {
          patience &-= 1
          continue
        }
        guard isLast else { return walker.position }
        HostRegion(region: new).count(.notCarriedOver)
        walker.skip()
      case .end:
        return walker.position
      }
    }
  }

  private func carryCounters(from old: UnsafeMutableRawPointer, to new: UnsafeMutableRawPointer) {
    var offset = 0
    while offset < DropReason.count &* 8 {
      SharedWord(new + (Layout.dropsOffset &+ offset)).add(SharedWord(old + (Layout.dropsOffset &+ offset)).load())
      offset &+= 8
    }
  }

  /// Tells where a fork child has no memory, though a frame of its thread may know the address: the current region, and the one before it
  /// as long as that is kept. Returns the size of each.
  public func locate(
    current: UnsafeMutablePointer<UnsafeMutableRawPointer?>, retiring: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  ) -> Int {
    current.pointee = process.regionAddress
    retiring.pointee = UnsafeMutableRawPointer(bitPattern: UInt(truncatingIfNeeded: process.retiring.load()))
    return Layout.size
  }

  /// The process runs its destructors: if nobody has what it recorded, this is the last chance.
  @inline(never)
  public func detach() {
    guard process.generation.load() != 0, process.phase.loadAcquiring() == ProcessState.Phase.attached, !otel_host_filtered(),
      let address = process.regionAddress
    else { return }
    finishRetiring()
    let region = HostRegion(region: address)
    guard region.exported != RecordRing(region: address).tail.load() else { return }
    let now = otel_monotonic()
    if verdict(region, now: now) == .fine { return }
    if renew(address, now: now) { finishRetiring() }
  }
}
