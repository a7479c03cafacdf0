/// The list that ldconfig(8) makes of the system's libraries, /etc/ld.so.cache (glibc, elf/dl-cache.h).
package struct LoaderCache {
  private let bytes: [UInt8]
  private let start: Int
  private let count: Int

  private static let magic = ByteString("glibc-ld.so.cache1.1")
  /// Since glibc 2.32 only the newer list is written; before, it lay behind the older one.
  private static let olderMagic = ByteString("ld.so-1.7.0")
  private static let headerSize = 48
  private static let entrySize = 24

  /// nil: there is none, or none that is understood.
  package init?(_ path: ByteString) {
    guard let file = OpenFile(path) else { return nil }
    bytes = file.read(0, 1 << 26)
    var start = 0
    if bytes.starts(with: LoaderCache.olderMagic.bytes) { start = (16 + Int(bytes.number(12, 4)) * 12 + 7) & ~7 }
    guard start < bytes.count, bytes[start...].starts(with: LoaderCache.magic.bytes) else { return nil }
    self.start = start
    count = min(Int(bytes.number(start + 20, 4)), (bytes.count - start) / LoaderCache.entrySize)
  }

  /// Where a library of this name is, for our own processor. Builds for newer processors are left out: the loader may prefer them, and
  /// they have the same symbols.
  package func path(of library: ByteString) -> ByteString? {
    for index in 0..<count {
      let entry = start + LoaderCache.headerSize + index * LoaderCache.entrySize
      guard bytes.number(entry, 4) == LoaderCache.ownFlags, bytes.number(entry + 16, 8) == 0, string(entry + 4) == library else { continue }
      return string(entry + 8)
    }
    return nil
  }

  private func string(_ field: Int) -> ByteString { bytes.string(at: UInt64(start) + bytes.number(field, 4)) }

  /// A library for glibc (3) of the 64-bit kind of the processor.
  private static var ownFlags: UInt64 {
    #if arch(x86_64)
    0x0303
    #elseif arch(arm64)
    0x0a03
    #endif
  }
}
