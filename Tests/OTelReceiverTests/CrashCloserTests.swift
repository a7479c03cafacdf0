import Glibc
import OTelRegion
import OTelTestSupport
import Testing

@testable import OTelReceiver

@Suite struct CrashCloserTests {
  let bench = ReceiverBench()
  let host = TestRegion()

  @Test func openSpansEndWithTheirProcess() throws {
    let attached = try bench.attach(host)
    host.fillSlot(at: Layout.smallSlotsOffset, encodedSpan("first", id: 1, end: nil))
    host.fillSlot(at: Layout.smallSlotsOffset + 1023 * Layout.smallSlotSize, encodedSpan("last", id: 2, end: nil), droppedAttributes: 3, scope: .sockets)
    host.fillSlot(at: Layout.largeSlotsOffset + 14 * Layout.largeSlotSize, encodedSpan(String(repeating: "l", count: 60_000), id: 3, end: nil))
    #expect(bench.scan(attached) == 0)
    host.end()
    #expect(bench.scan(attached) == 3)
    #expect(bench.scan(attached) == 3, "once")
    let found = bench.list.decoded
    #expect(found.map { String($0.name.prefix(5)) }.sorted() == ["first", "last", "lllll"])
    for span in found {
      #expect(span.attributes["error.type"] == "process_ended")
      #expect(span.attributes["http.request.method"] == "GET")
      #expect(span.statusCode == 2)
      #expect(span.end > 100)
      #expect(span.droppedAttributes == (span.name == "last" ? 3 : 0))
    }
  }

  @Test("Who knows what ended the process has it said")
  func knownEnding() throws {
    let attached = try bench.attach(host)
    host.fillSlot(at: Layout.smallSlotsOffset, encodedSpan(id: 1, end: nil))
    host.end()
    attached.endingErrorType = "SIGSEGV"
    bench.scan(attached)
    #expect(bench.list.decoded.map { $0.attributes["error.type"] } == ["SIGSEGV"])
  }

  @Test("A clock that went back gives no span that ends before it starts")
  func startInTheFuture() throws {
    let attached = try bench.attach(host)
    host.fillSlot(at: Layout.smallSlotsOffset, encodedSpan(id: 1, start: .max - 1, end: nil))
    host.end()
    bench.scan(attached)
    #expect(bench.list.decoded.map(\.end) == [.max - 1])
  }

  @Test("A span that was committed a moment before is not told twice")
  func committedAndNotYetFreed() throws {
    let attached = try bench.attach(host)
    host.fillSlot(at: Layout.smallSlotsOffset, encodedSpan(id: 1, end: nil))
    host.append(encodedSpan(id: 1))
    host.end()
    #expect(bench.scan(attached) == 1)
  }

  @Test func slotsThatMakeNoSenseAreLeftOut() throws {
    let attached = try bench.attach(host)
    let slot = { Layout.smallSlotsOffset + $0 * Layout.smallSlotSize }
    host.fillSlot(at: slot(0), [0xff, 0xff])
    host.fillSlot(at: slot(1), encodedSpan(id: 1, end: nil))
    host.set(slot(1) + 8, 0xffff_ffff)  // longer than the slot
    host.fillSlot(at: slot(2), encodedSpan(id: 2, end: nil))
    host.set(slot(2) + 16, 0xffff)  // no such signal or scope
    host.fillSlot(at: slot(3), encodedSpan(id: 3, start: 0, end: nil))
    host.fillSlot(at: slot(4), encodedSpan(id: 4, end: nil))
    host.set(slot(4), 0)  // free
    host.end()
    #expect(bench.scan(attached) == 0)
    #expect(attached.isFinished)
  }
}
