import Glibc
import OTelPrimitives
import OTelRegion
import Synchronization

/// The same ring with real threads, for ThreadSanitizer: what one writes and another reads without the orders that docs/region.md asks for is
/// a data race.
final class Threads: Sendable {
  private let memory: UInt
  private let writers: Int
  private let each: UInt64
  private let done = Atomic<Int>(0)

  init(writers: Int, each: UInt64) {
    let region = UnsafeMutableRawPointer.allocate(byteCount: Layout.size, alignment: 4096)
    region.initializeMemory(as: UInt8.self, repeating: 0, count: Layout.size)
    (memory, self.writers, self.each) = (UInt(bitPattern: region), writers, each)
    SharedWord(region + Layout.readOffset + 8).storeReleasing(.max)
  }

  private var region: UnsafeMutableRawPointer { UnsafeMutableRawPointer(bitPattern: memory)! }

  private func write(_ writer: Int) {
    let ring = RecordRing(region: region)
    for index in 0..<each {
      let payload = (UInt64(writer), index, index &* 0x9e37_79b9)
      // The ring holds two: refused is what most are at first.
      while !withUnsafeBytes(of: payload, { ring.append($0.baseAddress!, length: index % 3 == 0 ? 24 : 16, tag: RecordTag(.traces, scope: .curl)) }) { sched_yield() }
    }
    done.add(1, ordering: .releasing)
  }

  /// Nil, or what was wrong.
  func run() -> String? {
    var threads: [pthread_t] = []
    for writer in 0..<writers {
      final class Start { let body: () -> Void; init(_ body: @escaping () -> Void) { self.body = body } }
      var thread = pthread_t()
      pthread_create(&thread, nil, { Unmanaged<Start>.fromOpaque($0!).takeRetainedValue().body(); return nil }, Unmanaged.passRetained(Start { self.write(writer) }).toOpaque())
      threads.append(thread)
    }
    let failure = read()
    for thread in threads { pthread_join(thread, nil) }
    return failure
  }

  private func read() -> String? {
    let ring = RecordRing(region: region)
    var next = [UInt64](repeating: 0, count: writers)
    var position: UInt64 = 0
    while next.contains(where: { $0 < each }) {
      if done.load(ordering: .acquiring) == writers, position == ring.tail.loadAcquiring() { return "records are missing: \(next)" }
      var walker = RecordWalker(ring: ring.bytes, secret: ring.secret, from: position, to: ring.tail.loadAcquiring())
      walk: while true {
        switch walker.step() {
        case .record(let payload, let length, _):
          let (writer, index) = (Int(payload.load(as: UInt64.self)), payload.load(fromByteOffset: 8, as: UInt64.self))
          guard writer < writers, next[writer] == index else { return "record \(index) of writer \(writer) comes out of its turn" }
          if length == 24, payload.load(fromByteOffset: 16, as: UInt64.self) != index &* 0x9e37_79b9 { return "a record is not whole" }
          next[writer] += 1
        case .padding: continue
        case .unfinished, .end: break walk
        }
      }
      position = walker.position
      SharedWord(region + Layout.readOffset).storeReleasing(position)
      SharedWord(region + Layout.readOffset + 8).storeReleasing(~position)
      sched_yield()
    }
    return nil
  }
}
