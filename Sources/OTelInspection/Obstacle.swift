package import OTelConfiguration

/// Why a program cannot be traced, and what its user can do about it. The launcher says it when it runs the program, and `--check`
/// without running it.
package struct Obstacle: Equatable, Sendable {
  package enum Effect: Sendable {
    /// The agent is not loaded, or sees nothing. LD_PRELOAD does no harm and reaches the programs that this one starts.
    case unseen
    /// Named in LD_PRELOAD, the agent would end the program or change what it writes.
    case harmful
  }

  package let effect: Effect
  /// Continues "<program> cannot be traced: …"; without a full stop.
  package let reason: String
  /// A sentence, or two.
  package let remedy: String

  package init(_ effect: Effect, _ reason: String, remedy: String) {
    self.effect = effect
    self.reason = reason
    self.remedy = remedy
  }

  // MARK: The file

  package static let statically = Obstacle(
    .unseen, "it is statically linked, so no agent can be loaded into it", remedy: "Use a build of it that is linked with glibc dynamically.")

  package static let go = Obstacle(
    .unseen, "it is a Go program and statically linked, so no agent can be loaded into it",
    remedy: "Trace it with OpenTelemetry's SDK for Go, or from the kernel with opentelemetry-go-instrumentation.")

  package static let class32 = Obstacle(
    .harmful, "it is a 32-bit program and the agent is a 64-bit library", remedy: "Use a 64-bit build of it.")

  package static func machine(_ machine: Machine) -> Obstacle {
    Obstacle(
      .harmful, "it is a program for \(machine.name) and the agent is for \(Machine.own.name)", remedy: "Use a build for \(Machine.own.name).")
  }

  package static let musl = Obstacle(
    .harmful, "it is a program for musl and the agent needs glibc", remedy: "Use a build for glibc: from Debian, say, and not from Alpine.")

  package static func loader(_ path: ByteString) -> Obstacle {
    Obstacle(.harmful, "its loader \(path.quoted) is not glibc's", remedy: "Use a build for glibc.")
  }

  /// AddressSanitizer ends a program in which its library is not the first. What the agent writes, built without ThreadSanitizer, would be
  /// reported as the program's races.
  package static func sanitizer(_ library: ByteString) -> Obstacle {
    Obstacle(.harmful, "it uses \(library), which bears no other library in front", remedy: "Trace a build without -fsanitize.")
  }

  package static func languageAgent(_ agent: LanguageAgent) -> Obstacle {
    Obstacle(
      .unseen, "OpenTelemetry's agent for \(agent.language) traces it, and otelagent stands down so that nothing is told twice",
      remedy: "Leave out one of the two, or set OTEL_NATIVE_STAND_DOWN=false to have both trace it, each in traces of its own.")
  }

  // MARK: How it is started

  package static func privilege(_ change: PrivilegeChange) -> Obstacle {
    let what =
      switch change {
      case .user(let user): "its file is set-user-id (of \(user == 0 ? "root" : "user \(user)"))"
      case .group(let group): "its file is set-group-id (of group \(group))"
      case .capabilities: "its file has capabilities"
      }
    let remedy =
      switch change {
      case .user(let user): "Start otel-instrument as \(user == 0 ? "root" : "user \(user)"): then the program's rights do not change."
      case .group(let group): "Start otel-instrument with group \(group): then the program's rights do not change."
      case .capabilities: "Start otel-instrument as root, or trace a copy of the program without them."
      }
    return Obstacle(.unseen, "it gets other rights than its caller's (\(what)), and ld.so then ignores LD_PRELOAD", remedy: remedy)
  }

  package static let cleared = Obstacle(
    .unseen, "env starts it without LD_PRELOAD", remedy: "Put otel-instrument behind env: env -i otel-instrument program.")
}
