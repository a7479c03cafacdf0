@preconcurrency import Glibc

/// The files that execve(2) goes through for one program: a script, its interpreter, what that runs, up to what the kernel loads.
package struct ExecutableChain {
  package struct Step: Equatable {
    package var path: ByteString
    package var reason: Reason
  }

  package enum Reason: Equatable {
    /// The program that was asked for.
    case asked
    /// The `#!` line of the step before names it.
    case interpreter
    /// The step before is env(1), and runs it.
    case env
    /// The step before has no `#!` line, so that a shell runs it (exec(3)).
    case shell
  }

  package enum End {
    case program(ELFFile)
    /// It may be executed, and not read.
    case unreadable(error: Int32)
    /// The last step does not exist: execve fails with ENOENT.
    case missing
    /// More scripts run scripts than Linux follows: execve fails with ELOOP.
    case tooDeep
  }

  /// Not empty.
  package private(set) var steps: [Step]
  package private(set) var end = End.missing
  /// An env(1) in between drops LD_PRELOAD.
  package private(set) var dropsAgent = false

  /// What the kernel loads, or the file at which the chain broke.
  package var last: ByteString { steps[steps.count - 1].path }

  /// - Parameters:
  ///   - path: the program's file, which may be executed.
  ///   - arguments: without the program's own name; they matter when it is env(1).
  ///   - find: looks a name up in PATH.
  package init(_ path: ByteString, arguments: [ByteString] = [], find: (ByteString) -> ByteString?) {
    steps = [Step(path: path, reason: .asked)]
    var words: EnvCommand? = EnvCommand(arguments)
    var depth = 0
    // Each turn looks at the last step. env may run env: as long as a chain is no loop, it is shorter than this.
    for _ in 0..<16 {
      guard let file = OpenFile(last) else {
        end = errno == ENOENT || errno == ENOTDIR ? .missing : .unreadable(error: errno)
        return
      }
      if let program = ELFFile(file) {
        end = .program(program)
        guard let command = words, last.name == "env", let next = find(command.program) else { return }
        // A new execve, by env: the kernel counts from the start.
        (words, depth) = (nil, 0)
        dropsAgent = dropsAgent || command.dropsAgent
        steps.append(Step(path: next, reason: .env))
      } else if let line = ScriptLine(file) {
        // "if (depth > 5) return -ELOOP" (fs/exec.c, exec_binprm).
        depth += 1
        guard depth <= 5 else {
          end = .tooDeep
          return
        }
        words = line.argument.flatMap { EnvCommand(scriptArgument: $0) }
        steps.append(Step(path: line.interpreter, reason: .interpreter))
      } else {
        (words, depth) = (nil, 0)
        steps.append(Step(path: "/bin/sh", reason: .shell))
      }
    }
    end = .tooDeep
  }
}
