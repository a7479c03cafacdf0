import OTelPrimitives
import OTelRegion
import OTelTestSupport
import Testing

@Suite struct RecordRingTests {
  private let memory = RegionMemory()
  private static let capacity = UInt64(Layout.ringSize)

  @Test func readsBackWhatWasAppended() {
    let payloads = (0..<200).map { count in [UInt8](repeating: UInt8(truncatingIfNeeded: count), count: count) }
    for payload in payloads { #expect(memory.append(payload)) }
    #expect(memory.payloads() == payloads)
    #expect(memory.ring.tail.load() % 8 == 0)
  }

  @Test func keepsSignalAndScope() {
    #expect(memory.append([1], scope: .sockets) && memory.append([2], scope: .curl))
    var walker = memory.walker()
    guard case .record(_, 1, let first) = walker.step(), case .record(_, 1, let second) = walker.step() else {
      Issue.record("not two records")
      return
    }
    #expect(first.signal == .traces && first.scope == .sockets && second.scope == .curl)
    #expect(walker.step() == .end)
  }

  @Test func takesTheLongestRecord() {
    let longest = [UInt8](repeating: 7, count: Layout.recordCapacity)
    #expect(memory.append(longest))
    #expect(memory.payloads() == [longest])
  }

  @Test func refusesALongerOne() {
    #expect(!memory.append([UInt8](repeating: 7, count: Layout.recordCapacity + 1)))
    #expect(memory.ring.tail.load() == 0)
    #expect(memory.host.drops(.ringFull).load() == 1)
  }

  /// Fills the ring; returns what is in it.
  private func fill(_ size: Int = 1000) -> [[UInt8]] {
    var payloads: [[UInt8]] = []
    while true {
      let payload = [UInt8](repeating: UInt8(truncatingIfNeeded: payloads.count), count: size)
      guard memory.append(payload) else { return payloads }
      payloads.append(payload)
    }
  }

  @Test(arguments: [1000, 0, 8, 65536, 4088]) func neverOverwritesWhatWasNotRead(_ size: Int) {
    let payloads = fill(size)
    #expect(payloads.count == Layout.ringSize / Int(RecordHeader.footprint(UInt64(size))))
    for _ in 0..<10 { #expect(!memory.append([UInt8](repeating: 0xff, count: size))) }
    #expect(memory.host.drops(.ringFull).load() == 11)
    #expect(memory.payloads() == payloads)
  }

  @Test func goesOnWhenTheRelayHasRead() {
    let payloads = fill()
    var walker = memory.walker()
    for _ in 0..<10 { _ = walker.step() }
    memory.relayWrites(walker.position, at: Layout.readOffset)
    var added: [[UInt8]] = []
    while memory.append([UInt8](repeating: 0xee, count: 1000)) { added.append([UInt8](repeating: 0xee, count: 1000)) }
    #expect(added.count == 10 || added.count == 9)  // one less when the lap's end had to be padded
    #expect(memory.payloads(from: walker.position) == Array(payloads[10...]) + added)
  }

  @Test func halfWrittenIndexIsIgnored() {
    _ = fill(1016)
    SharedWord(memory.address + Layout.readOffset).store(4096)
    #expect(memory.host.read == nil)
    #expect(!memory.append([1]))
    SharedWord(memory.address + Layout.readOffset + 8).store(~4096)
    #expect(memory.host.read == 4096)
    #expect(memory.append([1]))
  }

  @Test(arguments: [UInt64.max, 1 << 63, UInt64(2 << 20), UInt64(1 << 20) + 8]) func impossibleIndexIsIgnored(_ read: UInt64) {
    let payloads = fill(1016)
    memory.relayWrites(read, at: Layout.readOffset)
    #expect(!memory.append([1]))
    #expect(memory.payloads() == payloads)
  }

  @Test func indexThatGoesBackIsIgnored() {
    memory.start(at: 4 * Self.capacity)
    _ = fill(1016)
    memory.relayWrites(3 * Self.capacity, at: Layout.readOffset)
    #expect(!memory.append([1]))
  }

  @Test func lapsArePadded() {
    var generator = SeededGenerator(seed: 1)
    var expected: [[UInt8]] = []
    var found: [[UInt8]] = []
    var position: UInt64 = 0
    var sawPadding = false
    while memory.ring.tail.load() < 5 * Self.capacity {
      let payload = [UInt8](repeating: UInt8.random(in: 0...255, using: &generator), count: Int.random(in: 0...20_000, using: &generator))
      if memory.append(payload) {
        expected.append(payload)
        continue
      }
      var walker = memory.walker(from: position)
      reading: while true {
        switch walker.step() {
        case .record(let payload, let length, _): found.append([UInt8](UnsafeRawBufferPointer(start: payload, count: length)))
        case .padding: sawPadding = true
        case .unfinished:
          Issue.record("unfinished at \(walker.position)")
          return
        case .end: break reading
        }
      }
      position = walker.position
      memory.relayWrites(position, at: Layout.readOffset)
    }
    found += memory.payloads(from: position)
    #expect(sawPadding)
    #expect(found == expected)
  }

  @Test func positionsWrapAround() {
    let start = UInt64.max - 100 * 1024 + 1
    memory.start(at: start)
    // 2^64 bytes are never written; but nothing may trap on the way there.
    for _ in 0..<90 { #expect(memory.append([UInt8](repeating: 1, count: 1016))) }
    #expect(memory.payloads(from: start).count == 90)
  }
}
