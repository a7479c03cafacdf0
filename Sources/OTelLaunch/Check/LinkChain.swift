@preconcurrency import Glibc
import OTelInspection

/// The symbolic links that a path leads through.
enum LinkChain {
  /// `/usr/bin/awk -> /etc/alternatives/awk -> /usr/bin/mawk`.
  static func text(_ path: ByteString) -> String { files(path).map { "\($0)" }.joined(separator: " -> ") }

  static func files(_ path: ByteString) -> [ByteString] {
    var files = [path]
    // As many as Linux follows (path_resolution(7)).
    while files.count < 40, let target = target(of: files[files.count - 1]) {
      files.append(target.hasPrefix("/") ? target : files[files.count - 1].directory + "/" + target)
    }
    // A directory on the way may be a link as well, as /bin is.
    if let real = path.resolved, real != files[files.count - 1] { files.append(real) }
    return files
  }

  private static func target(of path: ByteString) -> ByteString? {
    let target = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
      count = path.withCString { name in
        buffer.withMemoryRebound(to: CChar.self) { max(0, readlink(name, $0.baseAddress!, 4096)) }
      }
    }
    return target.isEmpty ? nil : ByteString(target)
  }
}
