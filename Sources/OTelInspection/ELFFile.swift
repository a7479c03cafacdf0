/// What elf(5) says about a program: whom it is for, its loader and its libraries. Everything but the machine is read of 64-bit
/// little-endian files alone.
///
/// A file that ends too early reads as zeros, so that every answer is about some file and none needs an error.
package struct ELFFile {
  package let file: OpenFile
  private let header: [UInt8]
  private var segments: [Segment] = []

  struct Segment {
    var kind: UInt64
    var isWritable: Bool
    var offset: UInt64
    var address: UInt64
    var size: UInt64

    static let load: UInt64 = 1
    static let dynamic: UInt64 = 2
    static let interpreter: UInt64 = 3
    static let note: UInt64 = 4
  }

  /// nil: not an ELF file.
  package init?(_ file: OpenFile) {
    self.file = file
    header = file.read(0, 64)
    guard header.starts(with: [0x7f, 0x45, 0x4c, 0x46]) else { return nil }
    let size = header.number(54, 2)
    let count = header.number(56, 2)
    guard isReadable, size >= 56, count <= 1024 else { return }
    let table = file.read(header.number(32, 8), size * count)
    for index in 0..<Int(count) {
      let start = index * Int(size)
      guard start + 56 <= table.count else { return }
      segments.append(
        Segment(
          kind: table.number(start, 4), isWritable: table.number(start + 4, 4) & 2 != 0, offset: table.number(start + 8, 8),
          address: table.number(start + 16, 8), size: table.number(start + 32, 8)))
    }
  }

  package var isClass64: Bool { header.count > 4 && header[4] == 2 }
  private var isLittleEndian: Bool { header.count > 5 && header[5] != 2 }
  private var isReadable: Bool { isClass64 && isLittleEndian }
  package var machine: Machine {
    let number = header.number(18, 2)
    return Machine(number: isLittleEndian ? number : number >> 8 | (number & 0xff) << 8)
  }
  package var hasProgramHeaders: Bool { !segments.isEmpty }
  /// Loaded at any address: ET_DYN.
  package var isPositionIndependent: Bool { header.number(16, 2) == 3 }

  /// The path of its loader; nil: it has none, and is loaded by the kernel alone.
  package var interpreter: ByteString? {
    guard let found = segments.first(where: { $0.kind == Segment.interpreter }) else { return nil }
    return ByteString(file.read(found.offset, min(found.size, 4096)).prefix { $0 != 0 })
  }

  /// Go's linker leaves a note of this name in every program (cmd/link/internal/ld/elf.go, ELF_NOTE_GOBUILDID_TAG).
  package var isGo: Bool {
    segments.contains { segment in
      guard segment.kind == Segment.note else { return false }
      let notes = file.read(segment.offset, min(segment.size, 1 << 12))
      var start = 0
      while start + 12 <= notes.count {
        let nameSize = Int(notes.number(start, 4))
        if nameSize == 4, notes.number(start + 8, 4) == 4, notes[(start + 12)...].starts(with: [0x47, 0x6f, 0, 0]) { return true }
        start += 12 + (nameSize + 3) & ~3 + (Int(notes.number(start + 4, 4)) + 3) & ~3
      }
      return false
    }
  }

  /// The parts of the file that hold its code and constants.
  var constants: [Segment] { segments.filter { $0.kind == Segment.load && !$0.isWritable } }
  var dynamicSegment: Segment? { segments.first { $0.kind == Segment.dynamic } }

  func offset(ofAddress address: UInt64) -> UInt64? {
    let segment = segments.first { $0.kind == Segment.load && address >= $0.address && address - $0.address < $0.size }
    return segment.map { $0.offset &+ (address - $0.address) }
  }

  struct Section {
    var kind: UInt64
    var offset: UInt64
    var size: UInt64
    var link: Int
    var entries: UInt64

    static let symbols: UInt64 = 2
    static let dynamicSymbols: UInt64 = 11
    static let versionDefinitions: UInt64 = 0x6fff_fffd
    static let versionNeeds: UInt64 = 0x6fff_fffe
  }

  /// Read when asked for: it lies at the file's end, and a start does not need it.
  var sections: [Section] {
    guard isReadable, header.number(58, 2) >= 64 else { return [] }
    let size = Int(header.number(58, 2))
    let table = file.read(header.number(40, 8), UInt64(size) * header.number(60, 2))
    return stride(from: 0, to: table.count - size + 1, by: size).map { start in
      Section(
        kind: table.number(start + 4, 4), offset: table.number(start + 24, 8), size: table.number(start + 32, 8),
        link: Int(table.number(start + 40, 4)), entries: table.number(start + 44, 4))
    }
  }
}

extension [UInt8] {
  /// The little-endian number of `count` bytes at `index`; bytes that are not there are zeros.
  func number(_ index: Int, _ count: Int) -> UInt64 {
    var value: UInt64 = 0
    for offset in (0..<count).reversed() { value = value << 8 | UInt64(index + offset < self.count ? self[index + offset] : 0) }
    return value
  }

  /// The bytes at `index` up to a NUL.
  func string(at index: UInt64) -> ByteString {
    guard index < count else { return "" }
    return ByteString(self[Int(index)...].prefix { $0 != 0 })
  }
}
