import OTelPrimitives
import OTelRegion

/// A region in ordinary memory: zeroed, page-aligned, and nobody else's. The test writes what a relay would.
final class RegionMemory {
  let address: UnsafeMutableRawPointer

  init(secret: UInt64 = 0x5ec2_e700_1234_5678) {
    address = .allocate(byteCount: Layout.size, alignment: 4096)
    address.initializeMemory(as: UInt8.self, repeating: 0, count: Layout.size)
    address.storeBytes(of: secret, toByteOffset: Layout.secretOffset, as: UInt64.self)
  }

  deinit { address.deallocate() }

  var ring: RecordRing { RecordRing(region: address) }
  var host: HostRegion { HostRegion(region: address) }
  var slots: SpanSlots { SpanSlots(region: address) }

  /// As the relay writes: the word, and its complement behind it.
  func relayWrites(_ value: UInt64, at offset: Int) {
    SharedWord(address + offset).storeReleasing(value)
    SharedWord(address + offset + 8).storeReleasing(~value)
  }

  /// Moves tail and read index to `position`, as after that much traffic.
  func start(at position: UInt64) {
    ring.tail.store(position)
    SharedWord(address + Layout.limitOffset).store(position)
    relayWrites(position, at: Layout.readOffset)
  }

  func append(_ payload: [UInt8], scope: ScopeID = .curl) -> Bool {
    payload.withUnsafeBytes { buffer in
      withUnsafeTemporaryAllocation(byteCount: 8, alignment: 8) { empty in
        ring.append(UnsafeRawPointer(buffer.baseAddress ?? UnsafeRawPointer(empty.baseAddress!)), length: payload.count, tag: RecordTag(.traces, scope: scope))
      }
    }
  }

  func walker(from: UInt64 = 0) -> RecordWalker {
    RecordWalker(ring: ring.bytes, secret: ring.secret, from: from, to: ring.tail.loadAcquiring())
  }

  /// The payloads from `from` on, up to the end or what is unfinished.
  func payloads(from: UInt64 = 0) -> [[UInt8]] {
    var walker = walker(from: from)
    return walker.payloads()
  }
}

extension RecordWalker {
  /// Committed payloads up to the end, or to the first record that is unfinished.
  mutating func payloads() -> [[UInt8]] {
    var result: [[UInt8]] = []
    while true {
      switch step() {
      case .record(let payload, let length, _): result.append([UInt8](UnsafeRawBufferPointer(start: payload, count: length)))
      case .padding: continue
      case .unfinished, .end: return result
      }
    }
  }
}

/// SplitMix64: failures are found again by their seed.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var x = state
    x = (x ^ x >> 30) &* 0xbf58_476d_1ce4_e5b9
    x = (x ^ x >> 27) &* 0x94d0_49bb_1331_11eb
    return x ^ x >> 31
  }
}
