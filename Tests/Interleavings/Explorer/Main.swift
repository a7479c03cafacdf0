import Glibc
import OTelRegion

/// Every order of the steps of a ring's writers and reader, up to a number of interruptions; and that mistakes are found.
@main struct Main {
  static func main() {
    if CommandLine.arguments.contains("--threads") {
      let failure = Threads(writers: 4, each: 20_000).run()
      print("interleavings: \(failure ?? "passed: 80000 records of 4 threads")")
      exit(failure == nil ? 0 : 1)
    }
    let explorer = Explorer()
    let depth = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1]) ?? 2 : 2
    var failures: [String] = []
    for scenario in scenarios(depth) {
      let before = explorer.runs
      let failure = explorer.explore(scenario)
      print("  \(scenario.name): \(explorer.runs - before) orders\(failure.map { ": \($0)" } ?? "")")
      if let failure { failures.append(failure) }
    }
    var found = 0
    for mistake in Ring.Mistake.allCases {
      let ring = Ring(mistake)
      if let failure = explorer.explore(scenario("\(mistake)", ring, depth, [[8, 8], [8, 8, 8]], rounds: 2)) {
        print("  found: \(failure)")
        found += 1
      } else {
        failures.append("the mistake \(mistake) is not found")
      }
    }
    for failure in failures { print("interleavings: \(failure)") }
    if failures.isEmpty {
      print("interleavings: passed: \(explorer.runs) orders of \(explorer.steps) steps; \(found) mistakes found")
    }
    exit(failures.isEmpty ? 0 : 1)
  }

  private static func scenario(
    _ name: String, _ ring: Ring, _ preemptions: Int, _ writers: [[Int]], rounds: Int, victim: Int? = nil
  ) -> Explorer.Scenario {
    let threads = writers.enumerated().map { index, sizes in { ring.write(UInt64(index + 1), sizes) } } + [{ ring.relay(rounds) }]
    return Explorer.Scenario(
      name: name, preemptions: preemptions, begin: ring.begin, threads: threads, victim: victim, invariant: ring.invariant, end: ring.end)
  }

  private static func scenarios(_ depth: Int) -> [Explorer.Scenario] {
    let slots = Slots()
    return [
      scenario("two writers, the ring fills up", Ring(), depth, [[8, 8], [8, 8, 8]], rounds: 2),
      scenario("two writers, padding at the end of a lap", Ring(startingAt: 32), depth, [[16], [16, 16]], rounds: 2),
      scenario("three writers", Ring(startingAt: 40), depth, [[8], [16], [8]], rounds: 2),
      scenario("a writer that never comes back", Ring(startingAt: 32), depth - 1, [[16, 8], [8, 8]], rounds: 2, victim: 0),
      scenario("one that never comes back among three", Ring(startingAt: 16), depth - 1, [[16], [8], [16]], rounds: 1, victim: 1),
      Explorer.Scenario(
        name: "three calls and the same slots", preemptions: depth, begin: slots.begin, threads: (1...3).map { mark in { slots.call(UInt64(mark), 2) } },
        victim: nil, invariant: slots.invariant, end: slots.end),
    ]
  }
}
