import Glibc
import OTelRegion
import OTelTestSupport
import Testing

@testable import OTelReceiver

@Suite struct RegionReaderTests {
  let bench = ReceiverBench()
  let host = TestRegion()

  @Test func committedRecordsAreRead() throws {
    let attached = try bench.attach(host)
    #expect(host.relayWord(Layout.relayStateOffset) == RelayState.attached)
    #expect(bench.scan(attached) == 0)
    for id in 1...3 { host.append(encodedSpan(id: UInt8(id))) }
    #expect(bench.scan(attached) == 3)
    #expect(attached.recorded == 3)
    #expect(host.relayWord(Layout.readOffset) == host.tail)
    #expect(host.relayWord(Layout.exportedOffset) != host.tail)
  }

  @Test("Nothing is read behind a record that is not committed, until its process ends")
  func unfinished() throws {
    let attached = try bench.attach(host)
    host.append(encodedSpan(id: 1))
    host.append(encodedSpan(id: 2), isCommitted: false)
    host.append(encodedSpan(id: 3))
    host.appendHole(64)
    host.append(encodedSpan(id: 4))
    #expect(bench.scan(attached) == 1)
    #expect(bench.scan(attached) == 1)
    host.end()
    #expect(bench.scan(attached) == 3)
    #expect(attached.phase == .ended)
    #expect(attached.readPosition == host.tail)
    #expect(attached.drops[.unfinished] == 2)
  }

  @Test func manyLapsWithPadding() throws {
    let attached = try bench.attach(host)
    var total = 0
    for round in 0..<200 {
      for _ in 0..<4 {
        host.append(encodedSpan(String(repeating: "x", count: 5000 + round * 13), id: UInt8(round + 1)))
        total += 1
      }
      #expect(bench.scan(attached) == 4)
      bench.list.removeAll()
      #expect(host.relayWord(Layout.exportedOffset) == host.tail)
    }
    #expect(host.tail > UInt64(3 * Layout.ringSize))
    #expect(attached.recorded == total)
    #expect(attached.drops.total == 0)
  }

  @Test("More than a window at once, with records longer than what is left of it")
  func manyWindows() throws {
    let attached = try bench.attach(host)
    for id in 1...14 { host.append(encodedSpan(String(repeating: "x", count: 60_000), id: UInt8(id))) }
    #expect(host.tail > UInt64(3 * RegionReader.window))
    #expect(bench.scan(attached) == 14)
  }

  @Test("The same of a process that has ended: no record is lost where a window ends")
  func manyWindowsAfterTheEnd() throws {
    let attached = try bench.attach(host)
    for id in 1...14 { host.append(encodedSpan(String(repeating: "x", count: 60_000), id: UInt8(id)), isCommitted: id % 5 != 0) }
    host.end()
    #expect(bench.scan(attached) == 12)
    #expect(attached.drops[.unfinished] == 2)
  }

  @Test("A queue that is full leaves the records in the ring")
  func fullQueue() throws {
    bench.list.limit = 10
    let attached = try bench.attach(host)
    for id in 1...25 { host.append(encodedSpan(id: UInt8(id))) }
    #expect(bench.scan(attached) == 10)
    #expect(attached.readPosition < host.tail)
    bench.list.removeAll()
    #expect(bench.scan(attached) == 10)
    host.end()
    bench.list.removeAll()
    #expect(bench.scan(attached) == 5)
    #expect(attached.readPosition == host.tail)
  }

  @Test("Indices that make no sense end the region", arguments: [UInt64(Layout.ringSize) + 8, .max, .max - 7, 12, 1 << 63])
  func hostileTail(_ tail: UInt64) throws {
    let attached = try bench.attach(host)
    host.set(Layout.tailOffset, tail)
    bench.scan(attached)
    #expect(attached.phase == .discarded)
    #expect(attached.isFinished)
    #expect(attached.drops[.corruptRegion] == 1)
  }

  @Test func aTailThatGoesBackEndsTheRegion() throws {
    let attached = try bench.attach(host)
    host.append(encodedSpan(id: 1))
    bench.scan(attached)
    host.set(Layout.tailOffset, 0)
    bench.scan(attached)
    #expect(attached.phase == .discarded)
  }

  @Test("Arbitrary bytes in the ring are survived")
  func noise() throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<20 {
      let (bench, host) = (ReceiverBench(), TestRegion())
      let attached = try bench.attach(host)
      for id in 1...50 { host.append(encodedSpan(id: UInt8(id))) }
      for _ in 0..<200 {
        host.set(Layout.ringOffset + Int.random(in: 0..<Int(host.tail) / 8, using: &generator) * 8, generator.next())
      }
      bench.scan(attached)
      host.end()
      bench.scan(attached)
      #expect(attached.readPosition == host.tail)
      #expect(attached.recorded == bench.list.spans.count + attached.drops.total)
    }
  }

  @Test func malformedSpansAreCountedAndLeftOut() throws {
    let attached = try bench.attach(host)
    host.append([0xff, 0xff])
    host.append(encodedSpan(id: 1))
    host.append([])
    #expect(bench.scan(attached) == 1)
    #expect(attached.drops[.malformed] == 2)
    #expect(attached.recorded == 3)
  }

  @Test("A superseded region is a copy: nothing of it is sent")
  func superseded() throws {
    let attached = try bench.attach(host)
    host.append(encodedSpan(id: 1))
    bench.scan(attached)
    host.append(encodedSpan(id: 2))
    host.fillSlot(at: Layout.smallSlotsOffset, encodedSpan(id: 3, end: nil))
    host.set(Layout.dropsOffset, 9)
    host.set(Layout.supersededOffset, 1)
    host.end()
    #expect(bench.scan(attached) == 0)
    #expect(attached.isFinished)
    #expect(attached.recorded == 0)
    #expect(attached.drops.total == 0)
    #expect(attached.hostDrops.allSatisfy { $0 == 0 }, "the newer region has the counters")
  }

  @Test("A record that stays unfinished gets the host a fresh region")
  func stuck() throws {
    let attached = try bench.attach(host)
    host.append(encodedSpan(id: 1), isCommitted: false)
    host.append(encodedSpan(id: 2))
    bench.scan(attached, now: 1_000_000_000)
    bench.scan(attached, now: 2_900_000_000)
    #expect(host.relayWord(Layout.relayStateOffset) == RelayState.attached)
    bench.scan(attached, now: 3_100_000_000)
    #expect(host.relayWord(Layout.relayStateOffset) == RelayState.renew)
  }

  @Test("A full queue is not a stuck record")
  func fullIsNotStuck() throws {
    bench.list.limit = 1
    let attached = try bench.attach(host)
    host.append(encodedSpan(id: 1))
    host.append(encodedSpan(id: 2))
    for second in 1...10 { bench.scan(attached, now: UInt64(second) * 1_000_000_000) }
    #expect(host.relayWord(Layout.relayStateOffset) == RelayState.attached)
  }

  @Test func theHeartbeatIsRenewedOnceASecond() throws {
    let attached = try bench.attach(host, now: 5)
    #expect(host.relayWord(Layout.heartbeatOffset) == 5)
    bench.scan(attached, now: 500_000_000)
    #expect(host.relayWord(Layout.heartbeatOffset) == 5)
    bench.scan(attached, now: 1_000_000_005)
    #expect(host.relayWord(Layout.heartbeatOffset) == 1_000_000_005)
  }

  @Test func scansBecomeRareWhenNothingMoves() throws {
    let attached = try bench.attach(host)
    var now: UInt64 = 0
    var scans = 0
    while now < 10_000_000_000 {
      bench.scan(attached, now: now)
      scans += 1
      now = attached.nextScan
    }
    #expect(scans < 150)
    bench.scan(attached, now: now)
    #expect(attached.nextScan - now > RegionReader.longestPause / 2)
    #expect(attached.nextScan - now <= RegionReader.longestPause)
    host.append(encodedSpan(id: 1))
    bench.scan(attached, now: now)
    #expect(attached.nextScan - now <= RegionReader.shortestPause)
  }

  @Test func abandoningCountsWhatWasNeverRead() throws {
    bench.list.limit = 2
    let attached = try bench.attach(host)
    for id in 1...7 { host.append(encodedSpan(id: UInt8(id))) }
    host.end()
    bench.scan(attached)
    bench.reader.abandon(attached, of: bench.list)
    #expect(attached.drops[.undeliverable] == 7)
    #expect(attached.recorded == 7)
    #expect(attached.isFinished)
  }
}
