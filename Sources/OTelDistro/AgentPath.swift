import COTelShims
import OTelPrimitives

/// Where the agent was loaded from: its relay lies beside it.
enum AgentPath {
  /// Absolute, or nil when ld.so knows only a relative path: the program may change its directory.
  static func find() -> UnsafePointer<CChar>? {
    guard !isFaulty("fault: agent knows its path"), let path = otel_elf_own_path(), path[0] == 0x2f else { return nil }
    return path
  }
}
