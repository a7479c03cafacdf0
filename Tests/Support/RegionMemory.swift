import OTelPrimitives
package import OTelRegion

/// A region in ordinary memory: zeroed, page-aligned, and nobody else's. The test writes what a relay would.
package final class RegionMemory {
  package let address: UnsafeMutableRawPointer

  package init(secret: UInt64 = 0x5ec2_e700_1234_5678) {
    address = .allocate(byteCount: Layout.size, alignment: 4096)
    address.initializeMemory(as: UInt8.self, repeating: 0, count: Layout.size)
    address.storeBytes(of: secret, toByteOffset: Layout.secretOffset, as: UInt64.self)
  }

  deinit { address.deallocate() }

  package var ring: RecordRing { RecordRing(region: address) }
  package var host: HostRegion { HostRegion(region: address) }
  package var slots: SpanSlots { SpanSlots(region: address) }

  /// As the relay writes: the word, and its complement behind it.
  package func relayWrites(_ value: UInt64, at offset: Int) {
    SharedWord(address + offset).storeReleasing(value)
    SharedWord(address + offset + 8).storeReleasing(~value)
  }

  /// Moves tail and read index to `position`, as after that much traffic.
  package func start(at position: UInt64) {
    ring.tail.store(position)
    SharedWord(address + Layout.limitOffset).store(position)
    relayWrites(position, at: Layout.readOffset)
  }

  package func append(_ payload: [UInt8], scope: ScopeID = .curl) -> Bool {
    payload.withUnsafeBytes { buffer in
      withUnsafeTemporaryAllocation(byteCount: 8, alignment: 8) { empty in
        ring.append(UnsafeRawPointer(buffer.baseAddress ?? UnsafeRawPointer(empty.baseAddress!)), length: payload.count, tag: RecordTag(.traces, scope: scope))
      }
    }
  }

  package func walker(from: UInt64 = 0) -> RecordWalker {
    RecordWalker(ring: ring.bytes, secret: ring.secret, from: from, to: ring.tail.loadAcquiring())
  }

  /// The payloads from `from` on, up to the end; what is unfinished ends them, or is stepped over.
  package func payloads(from: UInt64 = 0, overUnfinished: Bool = false) -> [[UInt8]] {
    var walker = walker(from: from)
    return walker.payloads(overUnfinished: overUnfinished)
  }

  /// Slots that somebody holds.
  package var claimedSlots: Int {
    (1...(Layout.smallSlotCount + Layout.largeSlotCount)).count { number in slots.slot(number: number).map { SharedWord($0).load() != 0 } ?? false }
  }
}

extension RecordWalker {
  /// Committed payloads up to the end. The first record that is unfinished ends them too, unless they go on behind it.
  package mutating func payloads(overUnfinished: Bool = false) -> [[UInt8]] {
    var result: [[UInt8]] = []
    while true {
      switch step() {
      case .record(let payload, let length, _): result.append([UInt8](UnsafeRawBufferPointer(start: payload, count: length)))
      case .padding: continue
      case .unfinished:
        guard overUnfinished else { return result }
        skip()
      case .end: return result
      }
    }
  }
}
