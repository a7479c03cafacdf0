import COTelHookABI
import COTelShims
import Glibc
import OTelAPI
import Testing

@testable import InstrumentationSockets

/// One after the other: the table is the process's. Descriptors that no test opens.
@Suite(.serialized) final class PendingConnectTests {
  private let tracer = RecordingTracer()
  private let call = UnsafeMutablePointer<otel_call>.allocate(capacity: 1)
  private let descriptor: Int32 = 40_000
  private var instrumentor: SocketInstrumentor<RecordingTracer> { SocketInstrumentor(tracer: tracer) }
  private var log: TracerLog { tracer.log }

  init() { _ = tracer.prepare() }

  deinit {
    instrumentor.closed(from: 0, through: .max)
    call.deallocate()
  }

  private func open(_ descriptor: Int32) { instrumentor.opened(descriptor, domain: AF_INET, type: 1, protocol: 0) }

  private func connect(_ descriptor: Int32, port: UInt16 = 80, family: Int32 = AF_INET, error: Int32) {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(family)
    address.sin_port = port.bigEndian
    call.initialize(to: otel_call())
    instrumentor.connectEnter(call, descriptor)
    withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        guard call.pointee.state != 0 || otel_is_connecting(descriptor) else { return }
        instrumentor.connectExit(call, descriptor, $0, 16, error == 0 ? 0 : -1, error)
      }
    }
  }

  /// Whether each span that has ended was an error.
  private var errors: [Bool] { log.ended.map { $0.contains("error") } }

  @Test(arguments: [EINPROGRESS, EINTR]) func endsOnceWhenTheErrorIsRead(_ error: Int32) {
    open(descriptor)
    connect(descriptor, error: error)
    #expect(otel_is_connecting(descriptor) && errors.isEmpty)
    instrumentor.errorRead(descriptor, EALREADY)
    #expect(otel_is_connecting(descriptor))
    instrumentor.errorRead(descriptor, ECONNREFUSED)
    instrumentor.errorRead(descriptor, 0)
    instrumentor.closed(from: 40_000, through: 40_000)
    #expect(errors == [true] && !otel_is_connecting(descriptor))
    #expect(log.ended[0].filter { $0 == "network.peer.address" }.count == 1)
  }

  @Test(arguments: [(EALREADY, nil), (EFAULT, nil), (EINTR, nil), (EISCONN, false), (0, false), (ETIMEDOUT, true)] as [(Int32, Bool?)])
  func anotherConnect(_ error: Int32, _ isError: Bool?) {
    open(descriptor)
    connect(descriptor, error: EINPROGRESS)
    connect(descriptor, error: error)
    #expect(errors == (isError.map { [$0] } ?? []) && otel_is_connecting(descriptor) == (isError == nil))
  }

  @Test func anotherAttempt() {
    open(descriptor)
    connect(descriptor, error: EINPROGRESS)
    log.slotNumbers[1] = 5
    connect(descriptor, error: EINPROGRESS)
    // What became of the first is not known.
    #expect(errors.isEmpty && log.abandoned == [5] && otel_is_connecting(descriptor))
    connect(descriptor, port: 81, error: 0)
    #expect(errors == [false] && !otel_is_connecting(descriptor))
  }

  @Test func anAssociationThatIsDissolved() {
    open(descriptor)
    connect(descriptor, error: EINPROGRESS)
    connect(descriptor, family: AF_UNSPEC, error: 0)
    #expect(errors == [false] && !otel_is_connecting(descriptor))
  }

  @Test(arguments: [(EAGAIN, nil), (ENOTCONN, nil), (EPIPE, nil), (EFAULT, nil), (0, false), (ECONNRESET, true)] as [(Int32, Bool?)])
  func theFirstUse(_ error: Int32, _ isError: Bool?) {
    open(descriptor)
    connect(descriptor, error: EINPROGRESS)
    instrumentor.used(descriptor, error)
    #expect(errors == (isError.map { [$0] } ?? []))
  }

  @Test func aNumberThatComesBack() {
    open(descriptor)
    connect(descriptor, error: EINPROGRESS)
    log.slotNumbers[1] = 5
    open(descriptor)
    #expect(errors.isEmpty && log.abandoned == [5] && !otel_is_connecting(descriptor))
    connect(descriptor, error: EINPROGRESS)
    instrumentor.used(descriptor, ENOTSOCK)
    #expect(errors.isEmpty && !otel_is_connecting(descriptor))
  }

  @Test func aForkedChildLeavesItsParents() {
    open(descriptor)
    connect(descriptor, error: EINPROGRESS)
    log.generation ^= 2
    _ = tracer.prepare()
    instrumentor.errorRead(descriptor, 0)
    #expect(errors.isEmpty && !otel_is_connecting(descriptor))
  }

  @Test func whatAVforkedChildClosesGoesOn() {
    open(descriptor)
    connect(descriptor, error: EINPROGRESS)
    log.runsInVforkChild = true
    instrumentor.closed(from: 40_000, through: 40_000)
    instrumentor.closed(from: 3, through: .max)
    #expect(otel_is_connecting(descriptor) && errors.isEmpty)
    log.runsInVforkChild = false
    instrumentor.closed(from: 3, through: .max)
    #expect(errors.count == 1)
  }

  /// Four places for each; what a fork left behind makes room.
  @Test func moreThanThereIsRoomFor() {
    let same = (0..<6).map { descriptor + Int32($0) * Int32(OTEL_CONNECTS) }
    for one in same {
      open(one)
      connect(one, error: EINPROGRESS)
    }
    #expect(same.filter { otel_is_connecting($0) } == Array(same.prefix(4)))
    #expect(log.losses == [.connectTableFull, .connectTableFull])
    log.generation ^= 2
    _ = tracer.prepare()
    for one in same.suffix(2) { connect(one, error: EINPROGRESS) }
    #expect(otel_is_connecting(same[4]) && otel_is_connecting(same[5]) && log.losses.count == 2)
  }

  @Test func manyThreadsLearnOfOne() async {
    open(descriptor)
    connect(descriptor, error: EINPROGRESS)
    let taken = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<8 {
        group.addTask {
          var count = 0
          PendingConnects.take(40_000) { _ in count += 1 }
          return count
        }
      }
      return await group.reduce(0, +)
    }
    #expect(taken == 1)
  }
}
