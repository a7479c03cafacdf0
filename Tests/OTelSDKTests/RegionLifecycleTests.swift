import OTelPrimitives
import OTelRegion
import OTelTestSupport
import Testing

@testable import OTelSDK

@Suite struct RegionLifecycleTests {
  private let process = TestProcess()
  private static let second: UInt64 = 1_000_000_000

  private func setRelayWord(_ offset: Int, _ value: UInt64) {
    SharedWord(process.memory.address + offset).store(value)
    SharedWord(process.memory.address + offset + 8).store(~value)
  }

  private func verdict(now: UInt64) -> RegionLifecycle.Verdict {
    RegionLifecycle(options: process.options).verdict(HostRegion(region: process.memory.address), now: now)
  }

  @Test(arguments: [
    // seconds from the heartbeat to the host's look
    (0, true), (4, true), (5, true), (6, false), (1000, false),
    // The heartbeat came after the host had looked at its clock.
    (-1, true), (-4, true), (-6, false), (-1000, false),
  ])
  func heartbeat(_ age: Int64, _ isFine: Bool) {
    setRelayWord(Layout.relayStateOffset, RelayState.attached)
    setRelayWord(Layout.heartbeatOffset, 5000 * Self.second)
    #expect((verdict(now: UInt64(5000 + age) * Self.second) == .fine) == isFine)
  }

  @Test(arguments: [(0, true), (3, true), (4, false), (-1, true)])
  func notTakenYet(_ age: Int64, _ isFine: Bool) {
    process.state.handedOverAt.store(5000 * Self.second)
    #expect((verdict(now: UInt64(5000 + age) * Self.second) == .fine) == isFine)
  }

  @Test func detached() {
    setRelayWord(Layout.relayStateOffset, RelayState.detached)
    #expect(verdict(now: 1) == .gone)
  }
}
