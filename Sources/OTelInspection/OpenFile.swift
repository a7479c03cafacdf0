@preconcurrency import Glibc

/// A file that is open for reading, with its first bytes: most questions about a program are answered by them alone. Closed with the
/// last reference to it.
package final class OpenFile {
  let descriptor: Int32
  private let head: [UInt8]
  private static let headSize = 4096

  /// nil: it cannot be opened; errno says why. Never blocks, on a FIFO either.
  package init?(_ path: ByteString) {
    descriptor = path.withCString { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    guard descriptor >= 0 else { return nil }
    head = OpenFile.read(descriptor, 0, OpenFile.headSize)
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// What the file has at `offset`: fewer bytes than asked for, or none, where it ends.
  package func read(_ offset: UInt64, _ count: UInt64) -> [UInt8] {
    guard offset < 1 << 48, count > 0, count <= 1 << 27 else { return [] }
    if offset + count <= head.count { return [UInt8](head[Int(offset)..<Int(offset + count)]) }
    return OpenFile.read(descriptor, Int(offset), min(Int(count), count > 1 << 20 ? left(behind: Int(offset)) : .max))
  }

  /// What a short file says about long tables must not cost their memory.
  private func left(behind offset: Int) -> Int {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return 0 }
    return max(0, Int(status.st_size) - offset)
  }

  private static func read(_ descriptor: Int32, _ offset: Int, _ count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      initialized = max(0, pread(descriptor, buffer.baseAddress, count, offset))
    }
  }
}
