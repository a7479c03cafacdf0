import Glibc
import OTelPrimitives

/// Bytes whose last one is the last of a page, with an inaccessible page behind it: a read past the end is SIGSEGV and not luck.
final class GuardedText {
  private let mapping: UnsafeMutableRawPointer
  private let size: Int
  let text: Text

  init(_ bytes: [UInt8]) {
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

func withText<Result>(_ bytes: some Sequence<UInt8>, _ body: (Text) throws -> Result) rethrows -> Result {
  let guarded = GuardedText(Array(bytes))
  defer { withExtendedLifetime(guarded) {} }
  return try body(guarded.text)
}

extension String {
  init(_ text: Text) { self = String(decoding: UnsafeBufferPointer(start: text.start, count: text.count), as: UTF8.self) }
}
