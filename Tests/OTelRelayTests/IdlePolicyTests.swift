import Testing

@testable import OTelRelay

@Suite struct IdlePolicyTests {
  private let second: UInt64 = 1_000_000_000

  @Test func leavesFiveSecondsAfterTheLast() {
    var policy = IdlePolicy(now: 0)
    let leaves1 = policy.shouldLeave(now: 100 * second, isServing: true, hasUndelivered: false)
    #expect(!leaves1)
    let leaves2 = policy.shouldLeave(now: 104 * second, isServing: false, hasUndelivered: false)
    #expect(!leaves2)
    let leaves3 = policy.shouldLeave(now: 105 * second, isServing: false, hasUndelivered: false)
    #expect(leaves3)
  }

  @Test func undeliveredSpansKeepItAMinuteLonger() {
    var policy = IdlePolicy(now: 0)
    let leaves4 = policy.shouldLeave(now: 64 * second, isServing: false, hasUndelivered: true)
    #expect(!leaves4)
    let leaves5 = policy.shouldLeave(now: 65 * second, isServing: false, hasUndelivered: true)
    #expect(leaves5)
  }
}
