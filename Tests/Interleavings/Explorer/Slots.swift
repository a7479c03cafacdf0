import OTelPrimitives
import OTelRegion

/// Calls that claim slots for their spans: one slot is never two calls', and nobody's is freed by another.
final class Slots {
  private let region: UnsafeMutableRawPointer
  private var owners: [UInt: UInt64] = [:]
  private var broken: String?
  private var used = 0

  init() {
    region = .allocate(byteCount: Layout.size, alignment: 4096)
    region.initializeMemory(as: UInt8.self, repeating: 0, count: Layout.size)
  }

  func begin() {
    for index in 0..<32 { (region + Layout.smallSlotsOffset + index * Layout.smallSlotSize).initializeMemory(as: UInt64.self, repeating: 0, count: 2) }
    (owners, broken, used) = ([:], nil, 0)
  }

  /// All begin their search at the same slot. Each frees its slot twice, as a call does that another thread has given up for it.
  func call(_ mark: UInt64, _ times: Int) {
    var hint: UInt16 = 0
    for _ in 0..<times {
      guard let slot = SpanSlots(region: region).claim(hint: &hint, mark: mark) else { return broken = "no slot is free" }
      let key = UInt(bitPattern: slot)
      if let other = owners[key] { broken = "one slot is \(other)'s and \(mark)'s" }
      owners[key] = mark
      used += 1
      SharedWord(slot + 8).storeReleasing(mark)
      onSharedStep()
      if SharedWord(slot + 8).load() != mark { broken = "the slot of \(mark) was freed by another" }
      owners[key] = nil
      SpanSlots.release(slot, mark: mark)
    }
  }

  func invariant() -> String? { broken }

  func end() -> String? {
    if let broken { return broken }
    for index in 0..<32 where SharedWord(region + Layout.smallSlotsOffset + index * Layout.smallSlotSize).load() != 0 { return "slot \(index) is still taken" }
    return nil
  }
}
