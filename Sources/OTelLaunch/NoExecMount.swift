@preconcurrency import Glibc
import OTelInspection

/// File systems mounted noexec: nothing on them is executed, and no library on them is loaded.
enum NoExecMount {
  static func holds(_ path: ByteString) -> Bool {
    var system = statvfs()
    return path.withCString { statvfs($0, &system) } == 0 && system.f_flag & 8 /* ST_NOEXEC */ != 0
  }
}
