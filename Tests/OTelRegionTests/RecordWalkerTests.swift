import OTelPrimitives
import OTelRegion
import OTelTestSupport
import Testing

@Suite struct RecordWalkerTests {
  private let memory = RegionMemory()

  /// A writer that reserves room and never comes back.
  private func reserve(_ length: Int, writesHeader: Bool) -> UInt64 {
    let position = memory.ring.tail.add(RecordHeader.footprint(UInt64(length)))
    if writesHeader {
      let header = RecordHeader(position: position, secret: memory.ring.secret, tag: RecordTag(.traces, scope: .curl), length: UInt64(length))
      SharedWord(memory.ring.bytes + Int(position)).store(header.word | RecordHeader.State.reserved)
    }
    return position
  }

  @Test(arguments: [true, false]) func stopsAtAHoleAndSkipsIt(_ writesHeader: Bool) {
    #expect(memory.append([1]))
    let hole = reserve(100, writesHeader: writesHeader)
    #expect(memory.append([2]))
    var walker = memory.walker()
    #expect(walker.payloads() == [[1]])
    #expect(walker.step() == .unfinished)
    #expect(walker.position == hole)
    walker.skip()
    #expect(walker.payloads() == [[2]])
    #expect(walker.step() == .end)
  }

  @Test(arguments: [true, false]) func skipsAHoleAtTheEnd(_ writesHeader: Bool) {
    _ = reserve(1000, writesHeader: writesHeader)
    var walker = memory.walker()
    #expect(walker.step() == .unfinished)
    walker.skip()
    #expect(walker.position == walker.end)
    #expect(walker.step() == .end)
    walker.skip()
    walker.synchronize()
    #expect(walker.position == walker.end)
  }

  @Test func synchronizesFromWithinARecord() {
    #expect(memory.append([UInt8](repeating: 0xff, count: 100)) && memory.append([2]))
    var walker = RecordWalker(ring: memory.ring.bytes, secret: memory.ring.secret, from: 16, to: memory.ring.tail.load())
    walker.synchronize()
    #expect(walker.payloads() == [[2]])
    // At a record it stays there.
    walker = memory.walker()
    walker.synchronize()
    #expect(walker.position == 0)
  }

  @Test func headersInPayloadsAreNotTaken() {
    // The right bytes for another position, and for another region's secret.
    let tag = RecordTag(.traces, scope: .curl)
    var forged: [UInt64] = []
    for index in 0..<64 as Range<UInt64> {
      let elsewhere = RecordHeader(position: index * 8, secret: memory.ring.secret, tag: tag, length: 8)
      let stranger = RecordHeader(position: 120 + index * 8, secret: ~memory.ring.secret, tag: tag, length: 8)
      forged.append((index % 2 == 0 ? elsewhere : stranger).word | RecordHeader.State.committed)
    }
    #expect(memory.append([1]))
    let hole = reserve(512, writesHeader: false)
    forged.withUnsafeBytes { (memory.ring.bytes + Int(hole) + 8).copyMemory(from: $0.baseAddress!, byteCount: 512) }
    #expect(memory.append([2]))
    var walker = memory.walker(from: hole)
    #expect(walker.step() == .unfinished)
    walker.skip()
    #expect(walker.payloads() == [[2]])
  }

  @Test(arguments: [
    // length, state: of a header whose stamp is right.
    (1 << 20 - 1, RecordHeader.State.committed), (Layout.recordCapacity + 1, RecordHeader.State.committed), (64, RecordHeader.State.committed),
    (8, RecordHeader.State.padding), (0, 0),
  ] as [(Int, UInt64)])
  func lengthsAreBounded(_ length: Int, _ state: UInt64) {
    // What ends behind the end, is longer than a record may be, or is padding elsewhere than at the end of a lap, is no record.
    memory.ring.tail.store(64)
    let header = RecordHeader(position: 0, secret: memory.ring.secret, tag: RecordTag(.traces, scope: .curl), length: UInt64(length))
    SharedWord(memory.ring.bytes).store(header.word | state)
    var walker = memory.walker()
    #expect(walker.step() == .unfinished)
    walker.skip()
    #expect(walker.step() == .end)
  }

  @Test(arguments: [(1, 9), (4, 20), (0, 4), (8, 8), (16, 8), (.max, .max), (.max - 7, 3), (0, 7)] as [(UInt64, UInt64)])
  func oddPositionsEnd(_ from: UInt64, _ to: UInt64) {
    let copy = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 8)
    defer { copy.deallocate() }
    copy.initializeMemory(as: UInt8.self, repeating: 0xff, count: 64)
    var walker = RecordWalker(copy: copy, secret: 1, from: from, to: to)
    for _ in 0..<20 {
      if walker.step() == .end { return }
      walker.skip()
    }
    Issue.record("no end")
  }

  /// The copy ends where its memory ends: AddressSanitizer, or luck, would tell of a byte read behind it. Every payload is inside of it.
  @Test(arguments: 0..<30 as Range<UInt64>) func anyBytesAreWalked(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let origin = UInt64.random(in: 0...1000, using: &generator) * 8 + (seed % 3 == 0 ? UInt64(Layout.ringSize) - 2048 : 0)
    let size = 4096
    let copy = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 8)
    defer { copy.deallocate() }
    for round in 0..<40 {
      for offset in stride(from: 0, to: size, by: 8) {
        // Random words; right stamps with random states, tags and lengths.
        var word = UInt64.random(in: 0...(.max), using: &generator)
        if round % 4 != 0, Int.random(in: 0..<4, using: &generator) == 0 {
          word = RecordHeader.stamp(origin + UInt64(offset), 99) | word & 0xffff_ffff
          if Bool.random(using: &generator) { word &= ~0xf_f000 }
        }
        (copy + offset).storeBytes(of: word, as: UInt64.self)
      }
      let end = origin + UInt64(size - Int.random(in: 0...15, using: &generator))
      var walker = RecordWalker(copy: copy, secret: 99, from: origin, to: end)
      var steps = 0
      walking: while steps < size {
        steps += 1
        let before = walker.position
        switch walker.step() {
        case .record(let payload, let length, _):
          #expect(payload >= UnsafeRawPointer(copy) && payload + length <= UnsafeRawPointer(copy) + Int(end - origin))
          #expect(length <= Layout.recordCapacity)
        case .padding: break
        case .unfinished:
          #expect(walker.position == before)
          walker.skip()
        case .end: break walking
        }
        #expect(walker.position > before)
      }
      #expect(walker.position == walker.end)
    }
  }
}
