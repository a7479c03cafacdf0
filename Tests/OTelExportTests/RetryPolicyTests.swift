import Testing

@testable import OTelExport

@Suite struct RetryPolicyTests {
  let policy = RetryPolicy()

  @Test(arguments: [(1, 1.0), (2, 1.5), (3, 2.25), (4, 3.375), (5, 5.0), (50, 5.0), (Int.max, 5.0)])
  func growsToACap(_ failures: Int, _ delay: Double) {
    #expect(abs(policy.delay(failures: failures, retryAfter: nil, random: 0.5) - delay) < 1e-9)
  }

  @Test func isSpread() {
    #expect(abs(policy.delay(failures: 1, retryAfter: nil, random: 0) - 0.8) < 1e-9)
    #expect(abs(policy.delay(failures: 1, retryAfter: nil, random: 1) - 1.2) < 1e-9)
  }

  @Test(arguments: [(0.0, 1.0), (7, 7), (1e9, 60), (-5, 1)])
  func whatAServerAsksForIsBounded(_ asked: Double, _ delay: Double) {
    #expect(policy.delay(failures: 9, retryAfter: asked, random: 0.5) == delay)
  }

  @Test func retryableStatuses() {
    #expect((100..<600).filter(RetryPolicy.isRetryable) == [429, 502, 503, 504])
  }
}
