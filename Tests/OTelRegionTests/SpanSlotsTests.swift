import OTelPrimitives
import OTelRegion
import OTelTestSupport
import Testing

@Suite struct SpanSlotsTests {
  private let memory = RegionMemory()
  private var slots: SpanSlots { memory.slots }

  @Test func eachSlotIsClaimedOnce() {
    var claimed: Set<UnsafeMutableRawPointer> = []
    var hint: UInt16 = .max - 5
    for mark in 1...UInt64(Layout.smallSlotCount) {
      guard let slot = slots.claim(hint: &hint, mark: mark) else { break }
      #expect(claimed.insert(slot).inserted)
      #expect(slots.slot(number: slots.number(of: slot)) == slot)
      #expect(slots.end(of: slot) - slot == Layout.smallSlotSize)
      #expect(slot - memory.address >= Layout.smallSlotsOffset && slots.end(of: slot) - memory.address <= Layout.ringOffset)
      // The next one is beside it: a claim that finds sixteen taken gives up.
      hint &+= 1
    }
    #expect(claimed.count == Layout.smallSlotCount)
    #expect(slots.claim(hint: &hint, mark: 1) == nil)
  }

  @Test func aReleasedSlotIsClaimedAgain() throws {
    var hint: UInt16 = 7
    let slot = try #require(slots.claim(hint: &hint, mark: 11))
    SharedWord(slot + 8).store(100)
    SpanSlots.release(slot, mark: 11)
    #expect(SharedWord(slot).load() == 0)
    #expect(SharedWord(slot + 8).load() == 0)
    #expect(slots.claim(hint: &hint, mark: 12) == slot)
  }

  @Test func anothersSlotIsNotReleased() throws {
    var hint: UInt16 = 7
    let slot = try #require(slots.claim(hint: &hint, mark: 11))
    SharedWord(slot + 8).store(100)
    SpanSlots.release(slot, mark: 12)
    #expect(SharedWord(slot).load() == 11)
    #expect(SharedWord(slot + 8).load() == 100)
  }

  @Test func largeSlots() {
    var claimed: Set<UnsafeMutableRawPointer> = []
    for mark in 1...UInt64(Layout.largeSlotCount) {
      guard let slot = slots.claimLarge(mark: mark) else { break }
      #expect(claimed.insert(slot).inserted)
      #expect(slots.slot(number: slots.number(of: slot)) == slot)
      #expect(slots.end(of: slot) - slot == Layout.largeSlotSize)
      #expect(slot - memory.address >= Layout.largeSlotsOffset && slots.end(of: slot) - memory.address <= Layout.smallSlotsOffset)
    }
    #expect(claimed.count == Layout.largeSlotCount)
    #expect(slots.claimLarge(mark: 99) == nil)
  }

  @Test(arguments: [0, -1, 1040, Int.max, Int.min]) func noSuchSlot(_ number: Int) { #expect(slots.slot(number: number) == nil) }

  @Test func areasDoNotOverlap() {
    #expect(Layout.identityOffset + Layout.identityCapacity <= Layout.largeSlotsOffset)
    #expect(Layout.largeSlotsOffset + Layout.largeSlotCount * Layout.largeSlotSize <= Layout.smallSlotsOffset)
    #expect(Layout.smallSlotsOffset + Layout.smallSlotCount * Layout.smallSlotSize <= Layout.ringOffset)
    #expect(Layout.ringOffset + Layout.ringSize <= Layout.size)
    #expect(Layout.dropsOffset + DropReason.count * 8 <= Layout.relayStateOffset)
    #expect(DropReason.allCases.count == DropReason.count)
    #expect(Layout.largeSlotSize - Layout.slotHeaderSize <= Layout.recordCapacity)
  }
}
