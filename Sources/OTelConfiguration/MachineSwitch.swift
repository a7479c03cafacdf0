import COTelShims

/// The file by which the machine's administrator switches the agent off in every program that starts from then on, whoever preloads it.
///
/// In /etc, not in /run: a machine that does not come up because of the agent has to stay without it after the next boot.
public enum MachineSwitch {
  /// Whether the file is there. One system call.
  public static var isOff: Bool { otel_machine_is_off() }

  #if !hasFeature(Embedded)
    /// For users. A sentence, without what they can do.
    package static var sentence: String { "\(OTEL_MACHINE_SWITCH) switches the agent off on this machine." }
    package static var remedy: String { "Remove the file." }
  #endif
}
