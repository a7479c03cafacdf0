import COTelShims
import Glibc
import OTelRegion
import OTelTestSupport
import Testing

@testable import OTelReceiver

@Suite struct WatchedChildTests {
  private let bench = ReceiverBench()
  private static let second: UInt64 = 1_000_000_000

  private static var namespace: UInt64 { otel_pid_namespace() }

  /// The pid of a process that has ended.
  private static func endedProcess() throws -> Int {
    var pid: pid_t = 0
    var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("true"), nil]
    defer { free(arguments[0]) }
    #expect(posix_spawnp(&pid, "true", nil, nil, &arguments, environ) == 0)
    var status: Int32 = 0
    #expect(waitpid(pid, &status, 0) == pid)
    return Int(pid)
  }

  /// A region with a span in flight, of a process whose memory is gone.
  private func abandoned(_ processID: Int, namespace: UInt64 = Self.namespace, start: Int = 5) throws -> AttachedRegion {
    let host = TestRegion(["process.pid_namespace=\(namespace)", "process.start_time_unix_nano=\(start)"], processID: processID)
    let attached = try bench.attach(host)
    host.fillSlot(at: Layout.smallSlotsOffset, encodedSpan(id: 1, end: nil))
    host.end()
    return attached
  }

  private func errorTypes(_ attached: AttachedRegion, now: UInt64 = 0) -> [String?] {
    bench.scan(attached, now: now)
    return bench.list.decoded.map { $0.attributes["error.type"] }
  }

  @Test("What ended a process is waited for, and told")
  func ended() throws {
    let processID = try Self.endedProcess()
    let attached = try abandoned(processID)
    var child = WatchedChild(processID: processID)
    #expect(child.isDying(attached, now: 0))
    child.status = SIGSEGV
    #expect(!child.isDying(attached, now: Self.second / 2))
    #expect(errorTypes(attached) == ["SIGSEGV"])
  }

  @Test("A core that was left and an exit status are no signals", arguments: [(SIGABRT | 0x80, "SIGABRT"), (3 << 8, "process_ended"), (0, "process_ended")])
  func statuses(status: Int32, errorType: String) throws {
    let processID = try Self.endedProcess()
    let attached = try abandoned(processID)
    #expect(!WatchedChild(processID: processID, status: status).isDying(attached, now: 0))
    #expect(errorTypes(attached) == [errorType])
  }

  @Test("Nobody is waited for longer than a second")
  func silence() throws {
    let processID = try Self.endedProcess()
    let attached = try abandoned(processID)
    let child = WatchedChild(processID: processID)
    #expect(child.isDying(attached, now: 1))
    #expect(child.isDying(attached, now: Self.second))
    #expect(!child.isDying(attached, now: Self.second + 1))
    #expect(errorTypes(attached) == ["process_ended"])
  }

  @Test("A process that goes on has executed another program")
  func executed() throws {
    let attached = try abandoned(Int(getpid()))
    #expect(!WatchedChild(processID: Int(getpid())).isDying(attached, now: 0))
    #expect(errorTypes(attached) == ["process_ended"])
  }

  @Test("A signal ended the last program that the process was, and none before it")
  func earlierProgram() throws {
    let processID = try Self.endedProcess()
    let (first, second) = (try abandoned(processID, start: 5), try abandoned(processID, start: 6))
    var child = WatchedChild(processID: processID, status: SIGKILL)
    for attached in [first, second] { child.notice(attached.identity) }
    for attached in [first, second] { #expect(!child.isDying(attached, now: 0)) }
    #expect((first.endingErrorType, second.endingErrorType) == ("process_ended", "SIGKILL"))
  }

  @Test("The same number is another process in another name space")
  func otherNamespace() throws {
    let processID = try Self.endedProcess()
    let attached = try abandoned(processID, namespace: Self.namespace + 1)
    var child = WatchedChild(processID: processID)
    #expect(!child.isDying(attached, now: 0))
    child.status = SIGSEGV
    #expect(!child.isDying(attached, now: 0))
    #expect(errorTypes(attached) == ["process_ended"])
  }
}
