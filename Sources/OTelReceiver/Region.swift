import COTelShims
import Glibc
import OTelPrimitives
import OTelRegion

/// Why a descriptor was not taken for a region.
package enum RegionError: Error, Equatable {
  case notSealed
  case wrongSize(Int)
  case wrongMagic(UInt64)
  case unreadable(Int32)

  package var description: String {
    switch self {
    case .notSealed: "it is not a memfd sealed against shrinking and growing, and still open to be sealed against writing"
    case .wrongSize(let size): "it has \(size) bytes instead of \(Layout.size)"
    case .wrongMagic(let word): "it begins with 0x\(String(word, radix: 16)) instead of 0x\(String(Layout.magic, radix: 16)): another layout"
    case .unreadable(let code): "reading it failed: \(String(cString: strerror(code)))"
    }
  }
}

/// A region's memfd. It is only read and written by system calls and never mapped: a mapping of ours would keep the kernel from telling
/// us that the process has ended, and a hostile file cannot raise SIGBUS.
///
/// Owns the descriptor. One thread.
package final class Region {
  private var descriptor: Int32
  /// Key of the stamps of this region's records.
  package let secret: UInt64
  package let instance: (UInt64, UInt64)
  package let ordinal: UInt64
  /// Inode number of the memfd: the same region handed over twice has it twice.
  package let identifier: UInt
  private let identityLength: Int

  /// - Parameter descriptor: becomes the region's; closed also when it is refused.
  package init(adopting descriptor: Int32) throws(RegionError) {
    self.descriptor = descriptor
    do throws(RegionError) {
      let seals = fcntl(descriptor, F_GET_SEALS)
      let demanded = F_SEAL_GROW | F_SEAL_SHRINK
      // With F_SEAL_SEAL the end of the process could never be seen.
      guard seals >= 0, seals & demanded == demanded, seals & F_SEAL_SEAL == 0 else { throw .notSealed }
      var status = stat()
      guard fstat(descriptor, &status) == 0 else { throw .unreadable(errno) }
      guard status.st_size == Layout.size else { throw .wrongSize(status.st_size) }
      var words = [UInt64](repeating: 0, count: 8)
      let count = words.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
      guard count == 64 else { throw .unreadable(count < 0 ? errno : EIO) }
      guard words[Layout.magicOffset / 8] == Layout.magic else { throw .wrongMagic(words[Layout.magicOffset / 8]) }
      identifier = UInt(status.st_ino)
      secret = words[Layout.secretOffset / 8]
      instance = (words[Layout.instanceOffset / 8], words[Layout.instanceOffset / 8 + 1])
      ordinal = words[Layout.ordinalOffset / 8]
      identityLength = Int(min(words[Layout.identityLengthOffset / 8], UInt64(Layout.identityCapacity)))
    } catch {
      close(descriptor)
      throw error
    }
  }

  deinit { release() }

  /// Gives the memory back to the kernel: everything worth having has been read. Nothing can be read or written afterwards.
  package func release() {
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
  }

  /// Reads exactly `buffer.count` bytes at `offset`.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> Bool {
    var done = 0
    while done < buffer.count {
      let count = pread(descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
      if count > 0 {
        done += count
      } else if count == 0 || errno != EINTR {
        return false
      }
    }
    return true
  }

  /// The host's words, as one read saw them; nil when they cannot be read. They are the words of a process that may lie.
  /// - Parameter drops: by `DropReason.rawValue`; updated.
  func look(updating drops: inout [UInt64]) -> (tail: UInt64, isSuperseded: Bool)? {
    withUnsafeTemporaryAllocation(byteCount: Layout.relayStateOffset, alignment: 8) { bytes in
      guard read(into: bytes, at: 0) else { return nil }
      func word(_ offset: Int) -> UInt64 { bytes.load(fromByteOffset: offset, as: UInt64.self) }
      for index in drops.indices { drops[index] = word(Layout.dropsOffset + 8 * index) }
      return (word(Layout.tailOffset), word(Layout.supersededOffset) != 0)
    }
  }

  /// The identity area: an `EnvironmentBlock`. Empty when it cannot be read.
  package func identity() -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: identityLength)
    return bytes.withUnsafeMutableBytes { read(into: $0, at: Layout.identityOffset) } ? bytes : []
  }

  /// Copies the ring's `[from, to)`, at most one lap, to the beginning of `buffer`.
  func readRing(from: UInt64, to: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Bool {
    let length = Int(to - from)
    guard length <= buffer.count, length <= Layout.ringSize else { return false }
    let start = Int(from & UInt64(Layout.ringSize - 1))
    let first = min(length, Layout.ringSize - start)
    guard read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<first]), at: Layout.ringOffset + start) else { return false }
    return read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[first..<length]), at: Layout.ringOffset)
  }

  /// Writes one of the relay's words: with its complement, in one call, so that the host recognises a half-written pair.
  /// Without effect once the process has ended.
  package func write(_ value: UInt64, at offset: Int) {
    var pair = (value, ~value)
    _ = withUnsafeBytes(of: &pair) { pwrite(descriptor, $0.baseAddress, 16, off_t(offset)) }
  }

  /// Whether no process maps the region any more: sealing against writing is refused with EBUSY while one does. Whatever ended it, and in
  /// whatever pid name space it lived (fcntl(2), "File Sealing"). Final: nothing can be written any more.
  package func isAbandoned() -> Bool { fcntl(descriptor, F_ADD_SEALS, F_SEAL_WRITE) == 0 }

  /// The parts of `[from, to)` that ever held data; the file is sparse, and slots never used need not be read.
  func dataRanges(from: Int, to: Int) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    var position = from
    while position < to {
      let start = lseek(descriptor, off_t(position), SEEK_DATA)
      guard start >= 0, start < to else { break }
      let end = lseek(descriptor, start, SEEK_HOLE)
      guard end > start else { break }
      ranges.append(Int(start)..<min(Int(end), to))
      position = Int(end)
    }
    return ranges
  }
}
