import OTelPrimitives
import OTelRegion

/// A region in ordinary memory: zeroed, page-aligned, and nobody else's. The test writes what a relay would.
final class RegionMemory {
  let address: UnsafeMutableRawPointer

  init(secret: UInt64 = .random(in: 1...(.max))) {
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

  func append(_ payload: [UInt8]) -> Bool {
    payload.withUnsafeBytes { ring.append($0.baseAddress!, length: payload.count, tag: RecordTag(.traces, scope: .curl)) }
  }

  /// Committed payloads from `from` on, over what is unfinished.
  func payloads(from: UInt64 = 0) -> [[UInt8]] {
    var walker = RecordWalker(ring: ring.bytes, secret: ring.secret, from: from, to: ring.tail.loadAcquiring())
    var result: [[UInt8]] = []
    while true {
      switch walker.step() {
      case .record(let payload, let length, _): result.append([UInt8](UnsafeRawBufferPointer(start: payload, count: length)))
      case .padding: continue
      case .unfinished: walker.skip()
      case .end: return result
      }
    }
  }

  /// Slots that somebody holds.
  var claimedSlots: Int {
    (1...(Layout.smallSlotCount + Layout.largeSlotCount)).count { number in slots.slot(number: number).map { SharedWord($0).load() != 0 } ?? false }
  }
}
