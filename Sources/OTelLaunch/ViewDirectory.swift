@preconcurrency import Glibc
import OTelInspection
import OTelReceiver

/// A directory that nobody else may enter, for the socket of one view. Its lock is held for as long as the view's launcher lives.
struct ViewDirectory {
  private let path: String

  var socket: String { path + Self.socket }

  private static let prefix = "otel-view."
  private static let socket = "/relay.sock"
  private static let lock = socket + ".lock"

  /// In the first place where that works: a root file system may be read-only. What launchers that were killed left there is removed.
  static func make(_ environment: Environment) throws(LaunchError) -> (ViewDirectory, Listener) {
    var error = ENOENT
    for name in [environment["XDG_RUNTIME_DIR"], environment["TMPDIR"], "/tmp", "/dev/shm", "/run"] {
      guard let base = name, base.hasPrefix("/"), base.bytes.count < 70, ByteString(base.description) == base else { continue }
      removeLeftBehind(in: base.description)
      // Again, should another launcher have taken ours for one left behind: between two of our calls it looks like that.
      for _ in 0..<3 {
        var template = (base + "/" + ByteString(prefix) + "XXXXXX").bytes.map { CChar(bitPattern: $0) } + [0]
        guard mkdtemp(&template) != nil else {
          error = errno
          break
        }
        let directory = ViewDirectory(path: template.withUnsafeBufferPointer { ByteString(cString: $0.baseAddress!) }.description)
        do throws(RendezvousError) {
          guard let rendezvous = OTelReceiver.Rendezvous.path(directory.socket) else { throw .failed(directory.path, ENAMETOOLONG) }
          return (directory, try Listener(at: rendezvous, peers: .own))
        } catch {
          directory.remove()
        }
      }
    }
    throw LaunchError(
      ExitStatus.launcherFailed,
      "no directory can be made for --view, neither in $XDG_RUNTIME_DIR nor in /tmp (\(SystemError.description(error))); nothing was run. Set TMPDIR to "
        + "one that you may write to.")
  }

  func remove() {
    for name in [Self.socket, Self.lock] { unlink(path + name) }
    rmdir(path)
  }

  // MARK: What SIGKILL left behind

  private static func removeLeftBehind(in base: String) {
    guard let folder = opendir(base) else { return }
    defer { closedir(folder) }
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self)) }
      guard name.hasPrefix(prefix), name.utf8.count == prefix.utf8.count + 6 else { continue }
      ViewDirectory(path: base + "/" + name).removeIfLeftBehind()
    }
  }

  /// Only a directory of our own that nobody else may enter, and whose lock nobody holds: the kernel lets go of it with its last holder.
  private func removeIfLeftBehind() {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode == S_IFDIR | 0o700, status.st_uid == geteuid() else { return }
    let lock = open(path + Self.lock, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard lock >= 0 else {
      // Not come so far, or somebody else's: rmdir(2) takes no directory that holds anything.
      if errno == ENOENT { rmdir(path) }
      return
    }
    defer { close(lock) }
    guard flock(lock, LOCK_EX | LOCK_NB) == 0 else { return }
    remove()
  }
}
