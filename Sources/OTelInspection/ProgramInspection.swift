@preconcurrency import Glibc

/// Whether a program can be traced, as far as the first bytes of its files tell: what the launcher asks at each start.
package struct ProgramInspection {
  package let chain: ExecutableChain
  package let barrier: EnvironmentBarrier?
  /// nil: nothing is known that would keep the agent from working.
  package let obstacle: Obstacle?

  /// - Parameters:
  ///   - path: the program's file.
  ///   - arguments: without the program's own name.
  ///   - find: looks a name up in PATH.
  package init(_ path: ByteString, arguments: [ByteString], find: (ByteString) -> ByteString?) {
    chain = ExecutableChain(path, arguments: arguments, find: find)
    let names = [path.name] + (path.resolved.map { [$0.name] } ?? [])
    barrier = EnvironmentBarrier(names: names, arguments: arguments, isRoot: getuid() == 0)
    var loading: Obstacle?
    if case .program(let program) = chain.end { loading = Obstacle(loadingInto: program) }
    // What would do harm has to be known in any case; else what the user can do most about comes first.
    obstacle =
      loading?.effect == .harmful ? loading : Obstacle(barrier) ?? loading ?? (chain.dropsAgent ? .cleared : nil)
  }

  /// The program, and what runs it when it is a script.
  package var subject: String {
    chain.steps.count > 1 ? "\(chain.steps[0].path) (run by \(chain.last))" : "\(chain.last)"
  }
}

extension ByteString {
  /// The absolute path without symbolic links; nil when it leads nowhere.
  package var resolved: ByteString? {
    guard let path = withCString({ realpath($0, nil) }) else { return nil }
    defer { free(path) }
    return ByteString(cString: path)
  }
}
