@preconcurrency import Glibc
import COTelShims
import OTelConfiguration
package import OTelInspection

/// Sees to it that a relay is there before the program starts.
///
/// A program that was started with LD_PRELOAD alone does the same at its first record; done here, it costs the program nothing.
package enum RelayStarter {
  package enum Outcome: Equatable {
    case running
    /// The program runs all the same, and tries again when it records.
    case failed(String)
    /// There is one that says: not this program.
    case leavesOut
  }

  /// - Parameters:
  ///   - relay: the absolute path of `otel-relay`.
  ///   - program: what is going to run, without symbolic links.
  package static func findOrStart(_ relay: ByteString, program: ByteString? = nil, environment: Environment) -> Outcome {
    guard let rendezvous = Rendezvous(environment) else { return .running }
    guard relay.withCString({ access($0, X_OK) }) == 0 else {
      return .failed("the relay \(relay) cannot be executed (\(SystemError.description(errno))), so nothing is exported. Install otelagent again.")
    }
    let variables = CStringArray(relayEnvironment(of: environment))
    let result = withExtendedLifetime(variables) {
      rendezvous.withEnvironment { place in
        relay.withCString { executable in
          (program ?? "").withCString { name in
            run(
              otel_relay_start(
                environment: place, may_start: true, executable: executable, agent: nil, variables: variables.pointer, region: -1, tls_files: -1,
                program: program == nil ? nil : name, time: UInt64(time(nil)) * 1_000_000_000))
          }
        }
      }
    }
    // A full queue has somebody at its other end.
    if result > 0 || result == -EAGAIN { return .running }
    if result == -ECANCELED { return .leavesOut }
    return .failed(
      "no relay is running and \(relay) could not be started (\(SystemError.description(-result))). The program tries again when it records; "
        + "\(relay) status tells more.")
  }

  package static func relayEnvironment(of environment: Environment) -> [ByteString] {
    environment.entries.filter { entry in entry.withText { RelayEnvironment.isKept($0) } }
  }

  /// In a helper, whose end makes the relay nobody's child: were it ours, it would be the program's after the exec, and a program that
  /// waits for all its children would wait for it.
  private static func run(_ start: otel_relay_start) -> Int32 {
    withUnsafeTemporaryAllocation(of: Attempt.self, capacity: 1) { attempt in
      attempt.initializeElement(at: 0, to: Attempt(start: start, result: -EIO))
      let status = otel_helper_run(
        { address in
          let attempt = address.assumingMemoryBound(to: Attempt.self)
          attempt.pointee.result = otel_relay_find_or_start(&attempt.pointee.start)
          return 0
        }, attempt.baseAddress!)
      return status < -1 ? status : attempt[0].result
    }
  }

  private struct Attempt {
    var start: otel_relay_start
    var result: Int32
  }
}
