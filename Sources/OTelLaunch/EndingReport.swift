import COTelShims
@preconcurrency import Glibc
import OTelView

/// Tells the relay how the program ended, so that the spans that it left open can say so: of all processes its parent alone learns it.
struct EndingReport {
  private let relay: Int32
  private let program: Int32

  /// Announces `program`, which has just been started. Nil: there is no relay to tell.
  init?(_ environment: Environment, program: Int32) {
    guard let relay = Rendezvous(environment)?.connect(), relay >= 0 else { return nil }
    guard otel_child_message_send(relay, program, Int32(OTEL_CHILD_RUNS)) == 0 else {
      close(relay)
      return nil
    }
    (self.relay, self.program) = (relay, program)
  }

  /// To be called as soon as the program has been waited for.
  func finish(_ ending: ProgramParent.Ending) {
    _ = otel_child_message_send(relay, program, ending.waitStatus)
    close(relay)
  }
}
