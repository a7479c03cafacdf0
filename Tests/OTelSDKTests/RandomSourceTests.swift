import COTelShims
import OTelPrimitives
import Testing

@testable import OTelSDK

@Suite struct RandomSourceTests {
  @Test func threadsAndProcessesDrawDifferentNumbers() {
    var seen: Set<UInt64> = []
    var drawn = 0
    for _ in 0..<4 {
      let process = TestProcess()
      for _ in 0..<25 {
        var thread = otel_thread()
        RandomSource.seed(&thread, process.state, generation: 1)
        #expect(thread.depth == 0 && thread.generation == 1)
        for _ in 0..<200 {
          let number = RandomSource.next(&thread)
          #expect(number != 0)
          seen.insert(number)
          drawn += 1
        }
      }
    }
    // Twenty thousand of 2^64: a double has a chance of 1 in 10^11.
    #expect(seen.count == drawn)
  }

  @Test func everyBitIsDrawn() {
    let process = TestProcess()
    var thread = otel_thread()
    RandomSource.seed(&thread, process.state, generation: 1)
    var ones = [Int](repeating: 0, count: 64)
    for _ in 0..<4000 {
      let number = RandomSource.next(&thread)
      for bit in 0..<64 where number >> UInt64(bit) & 1 == 1 { ones[bit] += 1 }
    }
    // 2000 ± 7 standard deviations.
    #expect(ones.allSatisfy { (1779...2221).contains($0) })
  }

  @Test func anUnseededStateStillGivesNoZero() {
    var thread = otel_thread()
    for _ in 0..<100 { #expect(RandomSource.next(&thread) != 0) }
  }

  @Test func oneGenerationWins() {
    let process = TestProcess()
    process.fork()
    let first = RandomSource.attachSecret(process.state)
    #expect(first != 0)
    #expect(RandomSource.attachSecret(process.state) == first)
    #expect(process.state.generation.load() == first)
  }
}
