import OTelPrimitives
import OTelRegion
import OTelTestSupport
import Testing

@testable import OTelSDK

@Suite struct CarryOverTests {
  private let process = TestProcess()
  private let old = RegionMemory(secret: .random(in: 1...(.max)))
  private let new = RegionMemory(secret: .random(in: 1...(.max)))

  private func carryOver(from start: UInt64, isLast: Bool) -> UInt64 {
    RegionLifecycle(options: process.options).carryOver(from: old.address, to: new.address, start: start, isLast: isLast)
  }

  private func payload(_ number: Int, count: Int = 100) -> [UInt8] { [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: count) }

  @Test func whatWasNotExported() {
    for number in 0..<5 { #expect(old.append(payload(number))) }
    let exported = RecordHeader.footprint(100) * 2
    #expect(carryOver(from: exported, isLast: false) == old.ring.tail.load())
    #expect(new.payloads(overUnfinished: true) == (2..<5).map { payload($0) })
    #expect(new.host.drops(.notCarriedOver).load() == 0)
  }

  @Test func nothing() {
    #expect(carryOver(from: 0, isLast: true) == 0)
    #expect(old.append(payload(1)))
    let tail = old.ring.tail.load()
    #expect(carryOver(from: tail, isLast: true) == tail)
    // A relay that claims to have exported what was never written.
    #expect(carryOver(from: tail + 8, isLast: true) == tail)
    #expect(new.payloads(overUnfinished: true).isEmpty)
  }

  @Test func whatIsBeingWrittenIsCarriedOverLater() {
    #expect(old.append(payload(1)))
    let hole = old.ring.tail.add(RecordHeader.footprint(8))
    #expect(old.append(payload(3)))
    let cursor = carryOver(from: 0, isLast: false)
    #expect(cursor == hole)
    #expect(new.payloads(overUnfinished: true) == [payload(1)])
    let header = RecordHeader(position: hole, secret: old.ring.secret, tag: RecordTag(.traces, scope: .curl), length: 8)
    (old.ring.bytes + Int(hole) + 8).storeBytes(of: 0x0202_0202_0202_0202, as: UInt64.self)
    SharedWord(old.ring.bytes + Int(hole)).storeReleasing(header.word | RecordHeader.State.committed)
    #expect(carryOver(from: cursor, isLast: true) == old.ring.tail.load())
    #expect(new.payloads(overUnfinished: true) == [payload(1), payload(2, count: 8), payload(3)])
    #expect(new.host.drops(.notCarriedOver).load() == 0)
  }

  @Test func whatIsNeverFinishedIsCounted() {
    #expect(old.append(payload(1)))
    _ = old.ring.tail.add(64)
    #expect(old.append(payload(3)))
    #expect(carryOver(from: 0, isLast: true) == old.ring.tail.load())
    #expect(new.payloads(overUnfinished: true) == [payload(1), payload(3)])
    #expect(new.host.drops(.notCarriedOver).load() == 1)
  }

  /// The relay reads ahead of what it exports, and what was read is overwritten: then the ring holds its last lap.
  @Test(arguments: [1016, 1000, 5000, 40_000]) func aRingThatLapped(_ count: Int) {
    var number = 0
    while old.ring.tail.load() < UInt64(5 * Layout.ringSize / 2) {
      old.relayWrites(old.ring.tail.load(), at: Layout.readOffset)
      #expect(old.append(payload(number, count: count)))
      number += 1
    }
    _ = carryOver(from: 64, isLast: true)
    let carried = new.payloads(overUnfinished: true)
    #expect(!carried.isEmpty)
    #expect(carried == ((number - carried.count)..<number).map { payload($0, count: count) })
    // All that is whole: the lap, less a record that was cut and one that the lap's end was padded for.
    #expect((carried.count + 2) * Int(RecordHeader.footprint(UInt64(count))) >= Layout.ringSize)
    // With records that fill a lap exactly, none is cut.
    if count == 1016 { #expect(carried.count == Layout.ringSize / 1024) }
  }

  @Test func whatDoesNotFitIsCountedOnce() {
    while old.append(payload(1, count: 60_000)) {}
    #expect(new.append(payload(2, count: 60_000)))
    let count = Layout.ringSize / Int(RecordHeader.footprint(60_000))
    _ = carryOver(from: 0, isLast: true)
    #expect(new.payloads(overUnfinished: true).count == count)
    let host = new.host
    #expect(DropReason.allCases.map { host.drops($0).load() }.reduce(0, +) == 1)
  }

  @Test(arguments: [1, 4, 7] as [UInt64]) func aCrookedPosition(_ start: UInt64) {
    #expect(old.append(payload(1)))
    #expect(carryOver(from: start, isLast: true) == old.ring.tail.load())
  }
}
