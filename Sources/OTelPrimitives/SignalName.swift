#if !hasFeature(Embedded)
/// Names of signals as signal(7) has them. Outside of the host alone.
package enum SignalName {
  private static let names = [
    "", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT",
    "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
  ]

  package static func text(_ number: Int32) -> String {
    guard number > 0, Int(number) < names.count else { return "signal \(number)" }
    return "SIG" + names[Int(number)]
  }
}
#endif
