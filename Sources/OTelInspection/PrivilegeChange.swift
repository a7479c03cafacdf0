@preconcurrency import Glibc
import COTelShims

/// How a program's file gives whoever starts it other rights. The kernel then sets AT_SECURE, and ld.so drops LD_PRELOAD (ld.so(8),
/// "Secure-execution mode").
package enum PrivilegeChange: Equatable, Sendable {
  /// The set-user-id bit; the file's owner.
  case user(UInt32)
  case group(UInt32)
  /// capabilities(7), "File capabilities".
  case capabilities

  /// Who starts the program.
  package struct Caller {
    package var user: UInt32
    package var group: UInt32
    package var hasNoNewPrivileges: Bool

    package init(user: UInt32, group: UInt32, hasNoNewPrivileges: Bool = false) {
      (self.user, self.group, self.hasNoNewPrivileges) = (user, group, hasNoNewPrivileges)
    }

    package static var current: Caller {
      Caller(
        user: getuid(), group: getgid(),
        hasNoNewPrivileges: otel_syscall6(Int(SYS_prctl), 39 /* PR_GET_NO_NEW_PRIVS */, 0, 0, 0, 0, 0) == 1)
    }
  }

  /// nil: the caller's rights stay as they are. Of a script, its interpreter counts: the kernel ignores the script's own bits.
  package init?(_ file: OpenFile, caller: @autoclosure () -> Caller = .current) {
    var status = stat()
    guard fstat(file.descriptor, &status) == 0 else { return nil }
    let grants = PrivilegeChange.grantsCapabilities(file)
    // A set-group-id bit without the group's execute bit means mandatory locking (inode(7)).
    let isGroup = status.st_mode & (S_ISGID | S_IXGRP) == S_ISGID | S_IXGRP
    guard status.st_mode & S_ISUID != 0 || isGroup || grants, !PrivilegeChange.isIgnored(file) else { return nil }
    let caller = caller()
    if status.st_mode & S_ISUID != 0, status.st_uid != caller.user, !caller.hasNoNewPrivileges {
      self = .user(status.st_uid)
    } else if isGroup, status.st_gid != caller.group, !caller.hasNoNewPrivileges {
      self = .group(status.st_gid)
    } else if grants, caller.user != 0 {
      // Root has all of them already (security/commoncap.c, cap_bprm_creds_from_file).
      self = .capabilities
    } else {
      return nil
    }
  }

  private static func isIgnored(_ file: OpenFile) -> Bool {
    var system = statvfs()
    return fstatvfs(file.descriptor, &system) == 0 && system.f_flag & 2 /* ST_NOSUID */ != 0
  }

  /// The attribute holds a word with the "effective" bit and, as pairs of words, what is permitted and inheritable
  /// (linux/capability.h, vfs_cap_data). A program with an empty set gains nothing.
  private static func grantsCapabilities(_ file: OpenFile) -> Bool {
    let value = [UInt8](unsafeUninitializedCapacity: 24) { buffer, count in
      // Its function's header is not among what Swift sees of the C library.
      count = max(0, "security.capability".withCString { name in
        otel_syscall6(Int(SYS_fgetxattr), Int(file.descriptor), Int(bitPattern: name), Int(bitPattern: buffer.baseAddress), 24, 0, 0)
      })
    }
    guard value.count >= 12 else { return false }
    return value.number(0, 4) & 1 != 0 || value.number(4, 4) != 0 || value.number(12, 4) != 0
  }
}
