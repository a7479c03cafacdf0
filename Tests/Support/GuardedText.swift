import Glibc
package import OTelPrimitives

/// Bytes whose last one is the last of a page, with an inaccessible page behind it: a read past the end is SIGSEGV and not luck.
package final class GuardedText {
  private let mapping: UnsafeMutableRawPointer
  private let size: Int
  package let text: Text

  package init(_ bytes: [UInt8]) {
    let page = 4096
    let used = (bytes.count + page - 1) / page * page
    size = used + page
    mapping = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    precondition(mapping != MAP_FAILED && mprotect(mapping + used, page, PROT_NONE) == 0)
    let start = mapping + (used - bytes.count)
    bytes.withUnsafeBytes { source in
      if let address = source.baseAddress { start.copyMemory(from: address, byteCount: source.count) }
    }
    text = Text(start.assumingMemoryBound(to: UInt8.self), count: bytes.count)
  }

  deinit { munmap(mapping, size) }
}

/// Lends `body` the bytes as a `Text`. It is valid during the call; a read past its end is SIGSEGV.
package func withText<Result>(_ bytes: some Sequence<UInt8>, _ body: (Text) throws -> Result) rethrows -> Result {
  let guarded = GuardedText(Array(bytes))
  defer { withExtendedLifetime(guarded) {} }
  return try body(guarded.text)
}

package func withText<Result>(_ string: String, _ body: (Text) throws -> Result) rethrows -> Result { try withText(string.utf8, body) }

extension Text {
  /// A copy, with U+FFFD for what is not UTF-8.
  package var string: String { String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self) }
}
