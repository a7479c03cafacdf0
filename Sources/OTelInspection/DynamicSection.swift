/// What a program or library tells its loader (elf(5), "Dynamic tags").
package struct DynamicSection {
  /// DT_NEEDED, in order.
  package private(set) var needed: [ByteString] = []
  package private(set) var name: ByteString?
  /// DT_RPATH, which counts only without a RUNPATH, and then also for the libraries' libraries.
  package private(set) var rpath: ByteString?
  package private(set) var runpath: ByteString?
  /// DF_1_NODEFLIB: neither the cache nor the system's directories are searched.
  package private(set) var ignoresSystemDirectories = false

  /// Empty for a file without one.
  package init(_ file: ELFFile) {
    guard let segment = file.dynamicSegment else { return }
    let entries = file.file.read(segment.offset, min(segment.size, 1 << 16))
    var names: [(tag: UInt64, offset: UInt64)] = []
    var strings: UInt64?
    for start in stride(from: 0, to: entries.count - 15, by: 16) {
      let value = entries.number(start + 8, 8)
      switch entries.number(start, 8) {
      case let tag where [Tag.needed, Tag.name, Tag.rpath, Tag.runpath].contains(tag): names.append((tag, value))
      case Tag.strings: strings = file.offset(ofAddress: value)
      case Tag.flags1: ignoresSystemDirectories = value & 0x800 != 0
      default: break
      }
    }
    guard let strings else { return }
    for (tag, offset) in names {
      let string = file.file.read(strings &+ offset, 4096).string(at: 0)
      switch tag {
      case Tag.needed: needed.append(string)
      case Tag.name: name = string
      case Tag.rpath: rpath = string
      default: runpath = string
      }
    }
  }

  private enum Tag {
    static let needed: UInt64 = 1
    static let strings: UInt64 = 5
    static let name: UInt64 = 14
    static let rpath: UInt64 = 15
    static let runpath: UInt64 = 29
    static let flags1: UInt64 = 0x6fff_fffb
  }
}
