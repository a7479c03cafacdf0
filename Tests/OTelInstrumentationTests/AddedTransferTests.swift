import COTelHookABI
import COTelShims
import Glibc
import OTelAPI
import Testing

@testable import InstrumentationCurl

/// One after the other: the tables are the process's.
@Suite(.serialized) final class AddedTransferTests {
  private let tracer = RecordingTracer()
  private let curl = FakeCurl()
  private let call = UnsafeMutablePointer<otel_call>.allocate(capacity: 1)
  private let multi = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 16)
  private var opened: [UnsafeMutablePointer<FakeEasyHandle>] = []
  private var instrumentor: CurlInstrumentor<RecordingTracer> { CurlInstrumentor(tracer: tracer) }
  private var log: TracerLog { tracer.log }

  init() {
    _ = tracer.prepare()
    call.initialize(to: otel_call())
  }

  deinit {
    instrumentor.multiClosed(multi)
    for easy in opened { instrumentor.closed(easy) }
    call.deallocate()
    multi.deallocate()
  }

  private func open(_ url: String = "http://h/") -> UnsafeMutablePointer<FakeEasyHandle> {
    let easy = curl.makeHandle()
    opened.append(easy)
    instrumentor.opened(curl.library, easy)
    url.withCString { instrumentor.followed(easy, option: Int32(OTEL_CURLOPT_URL), value: UInt(bitPattern: $0)) }
    return easy
  }

  private func add(_ easy: UnsafeMutablePointer<FakeEasyHandle>, to multi: UnsafeMutableRawPointer? = nil, result: Int32 = 0) {
    call.pointee = otel_call()
    instrumentor.multiAddEnter(call, curl.library, multi ?? self.multi, easy)
    if result != 0, call.pointee.state != 0 { instrumentor.multiAddFailed(call, multi ?? self.multi, easy) }
  }

  private func drive(running: Int32) {
    call.pointee = otel_call()
    instrumentor.driveEnter(call, multi)
    if call.pointee.state != 0 { instrumentor.driveExit(call, multi, running) }
  }

  private func record(_ easy: UnsafeMutablePointer<FakeEasyHandle>) throws -> EasyHandle { try #require(EasyHandleTable.find(easy)) }
  private func injected(_ handle: EasyHandle) -> UnsafeMutablePointer<otel_header_list> {
    otel_curl_injection(handle.record).assumingMemoryBound(to: otel_header_list.self)
  }
  private var entry: UnsafeMutablePointer<otel_curl_multi>? { MultiHandleTable.find(multi) }

  @Test func fromItsAdditionToItsResult() throws {
    let easy = open()
    add(easy)
    #expect(try record(easy).isAdded)
    #expect(easy.pointee.headers == injected(try record(easy)))
    drive(running: 1)
    drive(running: 0)
    #expect(log.ended.isEmpty)
    easy.pointee.responseCode = 200
    instrumentor.multiDone(easy, 0)
    #expect(log.ended.count == 1 && log.ended[0].contains("url.full") && log.ended[0].contains("http.response.status_code"))
    #expect(!log.ended[0].contains("error"))
    #expect(try !record(easy).isAdded)
    #expect(easy.pointee.headers == nil)
    // Taken out and cleaned up, it ends no second time. Added again it is another transfer.
    instrumentor.multiRemoved(easy)
    add(easy)
    drive(running: 0)
    instrumentor.multiDone(easy, 0)
    #expect(log.ended.count == 2 && log.spanIDs == 2)
  }

  @Test func anAdditionThatIsRefused() throws {
    let easy = open()
    add(easy, result: 7)
    #expect(try !record(easy).isAdded)
    #expect(easy.pointee.headers == nil && entry?.pointee.running == 0)
    #expect(AddedTransfer(handle: try record(easy)).multi == nil)
  }

  /// CURLM_ADDED_ALREADY: what runs is left as it is.
  @Test func aSecondAdditionIsRefused() throws {
    let easy = open()
    add(easy)
    let other = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 16)
    defer { other.deallocate() }
    add(easy, to: other, result: 7)
    instrumentor.multiClosed(other)
    #expect(try record(easy).isAdded && easy.pointee.headers != nil && log.ended.isEmpty)
    let frame = UnsafeMutablePointer<otel_call>.allocate(capacity: 1)
    defer { frame.deallocate() }
    frame.initialize(to: otel_call())
    instrumentor.performEnter(frame, curl.library, easy)
    #expect(frame.pointee.state == 0 && log.spanIDs == 1)
  }

  @Test func anotherProtocol() throws {
    let easy = open("ftp://h/")
    add(easy)
    #expect(try !record(easy).isAdded)
    #expect(entry?.pointee.running == 1 && log.spanIDs == 0)
  }

  @Test func takenOutBeforeItBegan() {
    let easy = open()
    add(easy)
    instrumentor.multiRemoved(easy)
    #expect(log.ended.isEmpty && easy.pointee.headers == nil && entry?.pointee.undriven == 0)
  }

  /// All that were added begin with the next driving call: whatever became of others that were added with them.
  @Test(arguments: [[], [0], [1], [2], [0, 2], [1, 2]]) func allBeginWithTheNextDrivingCall(_ gone: [Int]) throws {
    let handles = (open(), open(), open())
    let elsewhere = open()
    let other = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 16)
    defer { other.deallocate() }
    let all = [handles.0, handles.1, handles.2]
    for easy in all {
      add(easy)
      add(elsewhere, to: other)
    }
    // Taken out in time, or cleaned up where that was not seen, and opened again.
    for index in gone { if index == 1 { instrumentor.opened(curl.library, all[index]) } else { instrumentor.multiRemoved(all[index]) } }
    drive(running: Int32(3 - gone.count))
    let times = try all.map { AddedTransfer(handle: try record($0)).drivenAt }
    for index in 0..<3 { #expect((times[index] != 0) == !gone.contains(index)) }
    #expect(Set(times).subtracting([0]).count <= 1)
    #expect(AddedTransfer(handle: try record(elsewhere)).drivenAt == 0)
    // What comes later begins later.
    let late = open()
    add(late)
    usleep(1)
    drive(running: 1)
    #expect(AddedTransfer(handle: try record(late)).drivenAt > times.max() ?? 0)
    #expect(try all.map { AddedTransfer(handle: try record($0)).drivenAt } == times)
    instrumentor.multiClosed(other)
  }

  /// The result is read late: the end is when libcurl was done.
  @Test func theEndOfASuccess() throws {
    let easy = open()
    easy.pointee = FakeEasyHandle(responseCode: 200, totalMicroseconds: 3)
    add(easy)
    let before = otel_monotonic()
    drive(running: 1)
    let driven = AddedTransfer(handle: try record(easy)).drivenAt
    #expect(driven >= before && driven <= otel_monotonic())
    drive(running: 1)
    #expect(AddedTransfer(handle: try record(easy)).drivenAt == driven)
    usleep(1000)
    drive(running: 0)
    instrumentor.multiDone(easy, 0)
    #expect(log.endTimes == [driven + 3000])
  }

  /// libcurl's time is not a failure's: the driving call that ended it is.
  @Test func theEndOfAFailure() throws {
    let (easy, other) = (open(), open())
    easy.pointee.totalMicroseconds = 3
    add(easy)
    add(other)
    drive(running: 2)
    drive(running: 1)
    let changed = try #require(entry).pointee.changed
    drive(running: 1)
    instrumentor.multiDone(easy, 7)
    #expect(log.endTimes == [changed])
    #expect(log.ended[0].contains("error"))
  }

  /// More time than there was: another clock, or another libcurl.
  @Test func anEndIsNeverLaterThanTheDrivingCall() throws {
    let easy = open()
    easy.pointee = FakeEasyHandle(responseCode: 200, totalMicroseconds: 1 << 50)
    add(easy)
    drive(running: 0)
    instrumentor.multiDone(easy, 0)
    #expect(log.endTimes == [try #require(entry).pointee.changed])
  }

  @Test(arguments: [(0, 0, true, true), (0, ECONNREFUSED, true, true), (200, 0, true, false), (500, 0, true, true), (0, 0, false, false)] as [(Int, Int32, Bool, Bool)])
  func aResultThatIsNeverRead(_ code: Int, _ systemError: Int32, _ isFinished: Bool, _ isError: Bool) throws {
    let easy = open()
    easy.pointee = FakeEasyHandle(responseCode: code, systemError: Int(systemError))
    add(easy)
    drive(running: isFinished ? 0 : 1)
    instrumentor.multiRemoved(easy)
    #expect(log.ended.count == 1 && log.ended[0].contains("error") == isError)
    #expect(log.ended[0].contains("error.type") == isError)
  }

  @Test func cleanUpOfAMultiHandleEndsWhatIsInIt() throws {
    let (first, second, elsewhere) = (open(), open(), open())
    let other = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 16)
    defer { other.deallocate() }
    add(first)
    add(second)
    add(elsewhere, to: other)
    drive(running: 2)
    instrumentor.multiClosed(multi)
    #expect(log.ended.count == 2 && entry == nil)
    #expect(try !record(first).isAdded && !record(second).isAdded && record(elsewhere).isAdded)
    instrumentor.multiClosed(other)
  }

  @Test func cleanUpAndResetOfAnEasyHandle() throws {
    let (first, second) = (open(), open())
    add(first)
    add(second)
    drive(running: 2)
    instrumentor.closed(first)
    #expect(log.ended.count == 1 && EasyHandleTable.find(first) == nil && first.pointee.headers == nil)
    instrumentor.reset(second)
    #expect(log.ended.count == 2)
    #expect(try !record(second).isAdded && !record(second).hasURL)
  }

  @Test func aForkedChildEndsNoneOfItsParents() throws {
    let easy = open()
    add(easy)
    drive(running: 1)
    log.generation ^= 2
    instrumentor.multiDone(easy, 0)
    #expect(log.ended.isEmpty && log.losses.isEmpty)
    #expect(easy.pointee.headers == nil)
    add(easy)
    drive(running: 0)
    instrumentor.multiDone(easy, 0)
    #expect(log.ended.count == 1)
  }

  @Test func anAddressThatIsGivenOutAgain() throws {
    let easy = open()
    add(easy)
    log.slotNumbers[1] = 77
    instrumentor.opened(curl.library, easy)
    #expect(log.abandoned == [77] && log.ended.isEmpty)
    #expect(try !record(easy).isAdded)
  }

  @Test func aNewHeaderListGetsOursInFrontOfIt() throws {
    let easy = open()
    let lists = UnsafeMutablePointer<otel_header_list>.allocate(capacity: 2)
    defer { lists.deallocate() }
    let own = strdup("Traceparent: 00-1")
    defer { free(own) }
    lists.initialize(to: otel_header_list(text: strdup("A: b"), next: nil))
    (lists + 1).initialize(to: otel_header_list(text: own, next: nil))
    defer { free(UnsafeMutablePointer(mutating: lists.pointee.text)) }
    func set(_ list: UnsafeMutablePointer<otel_header_list>?) {
      easy.pointee.headers = list
      instrumentor.followed(easy, option: Int32(OTEL_CURLOPT_HTTPHEADER), value: UInt(bitPattern: list))
    }
    add(easy)
    set(lists)
    let first = injected(try record(easy))
    #expect(easy.pointee.headers == first && first.pointee.next == lists)
    // One that names a context itself goes as it is.
    set(lists + 1)
    #expect(easy.pointee.headers == lists + 1)
    drive(running: 0)
    instrumentor.multiDone(easy, 0)
    #expect(easy.pointee.headers == lists + 1)
    set(nil)
  }

  @Test func moreMultiHandlesThanAreKept() throws {
    let multis = (0..<200).map { _ in UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 16) }
    defer { for multi in multis { multi.deallocate() } }
    for multi in multis {
      let easy = open()
      easy.pointee = FakeEasyHandle(responseCode: 200, totalMicroseconds: 5)
      add(easy, to: multi)
      #expect(try record(easy).isAdded)
      instrumentor.multiDone(easy, 0)
      instrumentor.closed(easy)
    }
    // Those that are not kept were not seen to be driven either: they ended when their results were read.
    #expect(log.ended.count + multis.filter { MultiHandleTable.find($0) != nil }.count == 200)
    for multi in multis { instrumentor.multiClosed(multi) }
    #expect(multis.allSatisfy { MultiHandleTable.find($0) == nil })
  }

  @Test func driversAreNoParents() throws {
    let easy = open()
    add(easy)
    call.pointee = otel_call()
    instrumentor.driveEnter(call, multi)
    #expect(otel_thread_self().pointee.depth == 1)
    instrumentor.driveExit(call, multi, -1)
    #expect(otel_thread_self().pointee.depth == 0)
  }

  /// A driving call that does not tell how many run: then nothing is taken for finished, and what is done was done in the last one.
  @Test func driversThatDoNotTell() throws {
    let easy = open()
    add(easy)
    drive(running: 0)
    drive(running: -1)
    let changed = try #require(entry).pointee.changed
    usleep(10)
    drive(running: -1)
    #expect(entry?.pointee.running == 1)
    #expect(try #require(entry).pointee.changed > changed)
  }
}
