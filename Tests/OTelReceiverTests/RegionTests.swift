import Glibc
import OTelRegion
import OTelTestSupport
import Testing

@testable import OTelReceiver

@Suite struct RegionTests {
  private func refusal(_ host: TestRegion) -> RegionError? {
    do throws(RegionError) {
      _ = try Region(adopting: dup(host.descriptor))
      return nil
    } catch { return error }
  }

  @Test func whatIsNoRegionIsRefused() {
    #expect(refusal(TestRegion()) == nil)
    #expect(refusal(TestRegion(seals: F_SEAL_SHRINK)) == .notSealed)
    #expect(refusal(TestRegion(seals: F_SEAL_GROW)) == .notSealed)
    #expect(refusal(TestRegion(seals: F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)) == .notSealed)
    #expect(refusal(TestRegion(size: 4096)) == .wrongSize(4096))
    #expect(refusal(TestRegion(magic: 1)) == .wrongMagic(1))
  }

  @Test func aSocketAndADirectoryAreRefused() {
    #expect(throws: RegionError.notSealed) { _ = try Region(adopting: socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)) }
    #expect(throws: RegionError.notSealed) { _ = try Region(adopting: open("/", O_RDONLY)) }
  }

  @Test func theEndOfTheProcessIsSeen() throws {
    let host = TestRegion()
    let region = try Region(adopting: dup(host.descriptor))
    #expect(!region.isAbandoned())
    host.end()
    #expect(region.isAbandoned())
    #expect(region.isAbandoned(), "also when asked again")
  }

  @Test func aHostileIdentityLengthIsBounded() throws {
    let host = TestRegion()
    host.set(Layout.identityLengthOffset, .max)
    let region = try Region(adopting: dup(host.descriptor))
    #expect(region.identity().count == Layout.identityCapacity)
    #expect(ProcessIdentity(region.identity()).processID == 4711)
  }

  @Test func relayWordsHaveTheirComplement() throws {
    let host = TestRegion()
    let region = try Region(adopting: dup(host.descriptor))
    region.write(5, at: Layout.readOffset)
    #expect(host.word(Layout.readOffset) == 5)
    #expect(host.word(Layout.readOffset + 8) == ~5)
  }

  @Test func untouchedSlotsAreNotRead() throws {
    let host = TestRegion()
    let region = try Region(adopting: dup(host.descriptor))
    #expect(region.dataRanges(from: Layout.smallSlotsOffset, to: Layout.ringOffset).isEmpty)
    let slot = Layout.smallSlotsOffset + 9 * Layout.smallSlotSize
    host.fillSlot(at: slot, encodedSpan(id: 1))
    let ranges = region.dataRanges(from: Layout.smallSlotsOffset, to: Layout.ringOffset)
    #expect(ranges.contains { $0.contains(slot) })
    #expect(ranges.reduce(0) { $0 + $1.count } < Layout.ringOffset - Layout.smallSlotsOffset)
  }
}
