import Glibc
import OTelPrimitives
import OTelRegion
import OTelTestSupport
import Synchronization
import Testing

/// Threads, not tasks: writers are preempted anywhere, as in a host.
private final class Writers: Sendable {
  let memory: UInt
  let running: Atomic<Int>
  let refused = Atomic<Int>(0)
  let count: Int
  let each: Int

  init(_ region: UnsafeMutableRawPointer, count: Int, each: Int) {
    memory = UInt(bitPattern: region)
    running = Atomic(count)
    (self.count, self.each) = (count, each)
  }

  /// Appends `each` records: the writer's number, the record's, and padding of differing length. Waits for room. Refused is one all
  /// the same when the reader is about to say where it is; it is tried again.
  func write(_ number: Int) {
    let ring = RecordRing(region: UnsafeMutableRawPointer(bitPattern: memory)!)
    let host = HostRegion(region: ring.region)
    var words = [UInt64](repeating: UInt64(number), count: 64)
    for index in 0..<each {
      words[1] = UInt64(index)
      let length = 16 + (index &* 7 &+ number) % 300
      words[2] = UInt64(length)
      while ring.tail.load() &- (host.read ?? 0) > UInt64(Layout.ringSize / 2) { sched_yield() }
      while !words.withUnsafeBytes({ ring.append($0.baseAddress!, length: max(24, length), tag: RecordTag(.traces, scope: .curl)) }) {
        refused.add(1, ordering: .relaxed)
        sched_yield()
      }
    }
    running.subtract(1, ordering: .releasing)
  }
}

@Suite struct RecordRingConcurrencyTests {
  @Test func eachRecordIsReadOnce() {
    let memory = RegionMemory()
    let writers = Writers(memory.address, count: 8, each: 6000)
    var threads: [pthread_t] = []
    for number in 0..<writers.count {
      final class Argument { let writers: Writers, number: Int; init(_ writers: Writers, _ number: Int) { (self.writers, self.number) = (writers, number) } }
      var thread = pthread_t()
      pthread_create(&thread, nil, { raw in
        let argument = Unmanaged<Argument>.fromOpaque(raw!).takeRetainedValue()
        argument.writers.write(argument.number)
        return nil
      }, Unmanaged.passRetained(Argument(writers, number)).toOpaque())
      threads.append(thread)
    }
    var next = [UInt64](repeating: 0, count: writers.count)
    var disorder = 0
    var position: UInt64 = 0
    while true {
      let hasEnded = writers.running.load(ordering: .acquiring) == 0
      let tail = memory.ring.tail.loadAcquiring()
      var walker = memory.walker(from: position)
      scan: while true {
        switch walker.step() {
        case .record(let payload, let length, _):
          let number = Int(payload.load(as: UInt64.self))
          let index = payload.load(fromByteOffset: 8, as: UInt64.self)
          // One writer's records come in its order; each is there once and whole.
          if number < next.count, next[number] == index, length == max(24, Int(payload.load(fromByteOffset: 16, as: UInt64.self))) {
            next[number] += 1
          } else {
            disorder += 1
          }
        case .padding: continue
        case .unfinished, .end: break scan
        }
      }
      position = walker.position
      memory.relayWrites(position, at: Layout.readOffset)
      if hasEnded, position == tail { break }
      sched_yield()
    }
    for thread in threads { pthread_join(thread, nil) }
    #expect(disorder == 0)
    #expect(next == [UInt64](repeating: UInt64(writers.each), count: writers.count))
    #expect(memory.host.drops(.ringFull).load() == UInt64(writers.refused.load(ordering: .relaxed)))
  }
}
