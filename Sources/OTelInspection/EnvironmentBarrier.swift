/// A program that has others do the work which its user wants to see, and does not pass its environment, with the agent, on to them.
package struct EnvironmentBarrier: Equatable {
  package let reason: String
  package let remedy: String
  /// Of what it does itself, nothing is to be seen either; else it is traced, and what it starts is not.
  package let isWhole: Bool

  /// What a program that its user's environment is to pass through is not: nil.
  /// - Parameters:
  ///   - names: what the program is called, without directories: as asked for, and where that leads.
  ///   - arguments: without its name.
  package init?(names: [ByteString], arguments: [ByteString], isRoot: Bool) {
    for name in names {
      guard let barrier = EnvironmentBarrier.find(name, arguments, isRoot) else { continue }
      self = barrier
      return
    }
    return nil
  }

  private init(_ reason: String, _ remedy: String, isWhole: Bool = true) {
    self.reason = reason
    self.remedy = remedy
    self.isWhole = isWhole
  }

  private static func find(_ name: ByteString, _ arguments: [ByteString], _ isRoot: Bool) -> EnvironmentBarrier? {
    func isAsked(_ words: ByteString...) -> Bool { arguments.contains { words.contains($0) } }
    switch name {
    case "sudo", "doas", "pkexec": return cleans(name)
    // As root it keeps the environment, except for a login.
    case "su": return !isRoot || isAsked("-", "-l", "--login") ? cleans(name) : nil
    case "runuser": return isAsked("-", "-l", "--login") ? cleans(name) : nil
    case "docker", "podman", "nerdctl", "docker-compose", "podman-compose":
      return isAsked("run", "exec", "start", "create", "up", "compose") ? container(name) : nil
    case "kubectl", "oc", "crictl": return isAsked("run", "exec", "create", "apply", "debug") ? container(name) : nil
    case "systemd-run": return isAsked("--scope") ? nil : manager(name)
    case "systemctl": return isAsked("start", "restart", "reload-or-restart") ? manager(name) : nil
    case "snap": return snap
    case "flatpak": return isAsked("run") ? flatpak : nil
    case "ssh":
      return EnvironmentBarrier(
        "what it starts runs on another machine, without the agent", "Put otel-instrument in front of the program there.", isWhole: false)
    case "chroot":
      return EnvironmentBarrier(
        "the program that it starts has another root directory, in which the agent's path leads nowhere",
        "Install otelagent there too, and put otel-instrument behind chroot.", isWhole: false)
    case _ where name.hasPrefix("ld-linux") || name.hasPrefix("ld-2."):
      return EnvironmentBarrier("it is the loader, in which the agent does nothing", "Name the program itself.")
    default: return nil
    }
  }

  private static func cleans(_ name: ByteString) -> EnvironmentBarrier {
    EnvironmentBarrier(
      "\(name) gives the program that it starts an environment of its own, without the agent",
      "Put otel-instrument behind it, with settings as options: \(name) ... otel-instrument --service-name ... program.")
  }

  private static func container(_ name: ByteString) -> EnvironmentBarrier {
    EnvironmentBarrier(
      "\(name) has programs run in a container, where the agent is not",
      "Put otelagent into the image and otel-instrument in front of the program there.")
  }

  private static func manager(_ name: ByteString) -> EnvironmentBarrier {
    EnvironmentBarrier(
      "\(name) has the service manager start programs, with an environment of their own",
      "Put otel-instrument in front of the program: in the unit's ExecStart=, or behind \(name).")
  }

  private static let snap = EnvironmentBarrier(
    "snaps are confined, and start without LD_PRELOAD", "Use the program from a package that is no snap.")
  private static let flatpak = EnvironmentBarrier(
    "programs of flatpak run in a sandbox, where the agent is not", "Use the program from a package that is no flatpak.")
}

extension Obstacle {
  package init?(_ barrier: EnvironmentBarrier?) {
    guard let barrier, barrier.isWhole else { return nil }
    self.init(.unseen, barrier.reason, remedy: barrier.remedy)
  }
}
