@preconcurrency import Glibc
import OTelConfiguration

/// Whether a program can be traced, as far as the first bytes of its files tell: what the launcher asks at each start.
package struct ProgramInspection {
  package let chain: ExecutableChain
  package let barrier: EnvironmentBarrier?
  /// nil: nothing is known that would keep the agent from working.
  package let obstacle: Obstacle?

  /// - Parameters:
  ///   - path: the program's file.
  ///   - arguments: without the program's own name.
  ///   - environment: what the program is to get, entries `NAME=VALUE`.
  ///   - find: looks a name up in PATH.
  package init(_ path: ByteString, arguments: [ByteString], environment: [ByteString], find: (ByteString) -> ByteString?) {
    chain = ExecutableChain(path, arguments: arguments, find: find)
    let names = [path.name] + (path.resolved.map { [$0.name] } ?? [])
    barrier = EnvironmentBarrier(names: names, arguments: arguments, isRoot: getuid() == 0)
    var loading: Obstacle?
    if case .program(let program) = chain.end { loading = Obstacle(loadingInto: program) }
    let agent = ProgramInspection.languageAgent(chain.last, arguments, environment)
    // What would do harm has to be known in any case; else what the user can do most about comes first.
    obstacle =
      loading?.effect == .harmful ? loading : Obstacle(barrier) ?? loading ?? (chain.dropsAgent ? .cleared : agent.map { .languageAgent($0) })
  }

  /// OpenTelemetry's agent of the program's own language, when it will be there too.
  private static func languageAgent(_ program: ByteString, _ arguments: [ByteString], _ environment: [ByteString]) -> LanguageAgent? {
    let variable: ByteString = "OTEL_NATIVE_STAND_DOWN="
    let value = environment.first { $0.hasPrefix(variable) && $0 != variable }.map { ByteString($0.bytes.dropFirst(variable.bytes.count)) }
    guard value?.withText({ LanguageAgent.standsDown($0) }) ?? LanguageAgent.standsDown(nil) else { return nil }
    return (program.resolved ?? program).withText { path in
      guard let agent = LanguageAgent(program: path) else { return nil }
      let isThere =
        environment.contains { $0.withText { agent.isBroughtIn(by: $0) } } || arguments.contains { $0.withText { agent.isBroughtIn(byArgument: $0) } }
      return isThere ? agent : nil
    }
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
