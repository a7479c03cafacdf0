import CFibers
import OTelPrimitives

/// Runs threads one at a time, and tries every order of their steps in which at most `preemptions` times a thread is interrupted. A step is what
/// lies between two accesses to shared words, or halves of a copy. Sequentially consistent: what processors reorder it does not show.
///
/// The same schedule gives the same run, so a schedule is all that is remembered of one.
final class Explorer {
  struct Scenario {
    let name: String
    var preemptions: Int
    /// Makes the world anew.
    let begin: () -> Void
    let threads: [() -> Void]
    /// The number of a thread that never comes back, wherever it is: each place is tried.
    var victim: Int?
    /// What must hold whenever a thread gives way; and at the end. Nil: it does.
    let invariant: () -> String?
    let end: () -> String?
  }

  private(set) var runs = 0
  private(set) var steps = 0

  /// Nil: nothing is wrong in any order. Else what is.
  func explore(_ scenario: Scenario) -> String? {
    guard let victim = scenario.victim else { return explore(scenario, lastStep: .max).failure }
    var last = 0
    while true {
      let (failure, wasStopped) = explore(scenario, victim: victim, lastStep: last)
      if let failure { return "\(failure) (thread \(victim) ends before its step \(last))" }
      if !wasStopped { return nil }
      last += 1
    }
  }

  /// Depth first. A schedule is a list of threads, one for each step.
  private func explore(_ scenario: Scenario, victim: Int = -1, lastStep: Int) -> (failure: String?, wasStopped: Bool) {
    var path: [(chosen: Int, others: [Int])] = []
    var wasStopped = false
    while true {
      if let failure = run(scenario, victim, lastStep, &path, &wasStopped) {
        return ("\(scenario.name): \(failure); order \(path.map { String($0.chosen) }.joined())", true)
      }
      // The last choice that has another one left.
      while let last = path.last, last.others.isEmpty { path.removeLast() }
      guard let last = path.popLast() else { return (nil, wasStopped) }
      path.append((last.others[0], Array(last.others.dropFirst())))
    }
  }

  private func run(
    _ scenario: Scenario, _ victim: Int, _ lastStep: Int, _ path: inout [(chosen: Int, others: [Int])], _ wasStopped: inout Bool
  ) -> String? {
    runs += 1
    scenario.begin()
    current = self
    bodies = scenario.threads
    ended = [Bool](repeating: false, count: bodies.count)
    var taken = [Int](repeating: 0, count: bodies.count)
    for index in bodies.indices { fiber_prepare(Int32(index), { index in Explorer.begin(Int(index)) }) }
    var (step, running, interruptions) = (0, -1, 0)
    while true {
      if victim >= 0, taken[victim] >= lastStep, !ended[victim] {
        ended[victim] = true
        wasStopped = true
      }
      let able = bodies.indices.filter { !ended[$0] }
      guard !able.isEmpty else { break }
      if step == path.count {
        let goesOn = able.contains(running)
        let first = goesOn ? running : able[0]
        let mayInterrupt = !goesOn || interruptions < scenario.preemptions
        path.append((first, mayInterrupt ? able.filter { $0 != first } : []))
      }
      let chosen = path[step].chosen
      if running >= 0, chosen != running, !ended[running] { interruptions += 1 }
      running = chosen
      taken[chosen] += 1
      step += 1
      steps += 1
      isInside = true
      fiber_resume(Int32(chosen))
      isInside = false
      if let broken = scenario.invariant() { return broken }
      if step > 10_000 { return "no end" }
    }
    return scenario.end()
  }

  private var bodies: [() -> Void] = []
  private var ended: [Bool] = []
  private var isInside = false
  nonisolated(unsafe) private static var current: Explorer?
  private var current: Explorer? {
    get { Explorer.current }
    set {
      Explorer.current = newValue
      onSharedStep = { if Explorer.current?.isInside == true { fiber_give_way() } }
    }
  }

  private static func begin(_ index: Int) {
    current?.bodies[index]()
    current?.ended[index] = true
  }
}
