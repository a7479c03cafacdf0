@preconcurrency import Glibc

/// What elf(5) says about a program: whom it is for, its loader and its libraries. For little-endian machines.
///
/// A file that ends too early reads as zeros, so that every answer is about some file and none needs an error.
struct ELFFile {
  private let file: Int32
  private let header: [UInt8]
  private var programHeaders: [ProgramHeader] = []

  private struct ProgramHeader {
    var kind: UInt64
    var offset: UInt64
    var address: UInt64
    var size: UInt64
  }

  private enum Kind {
    static let load: UInt64 = 1
    static let dynamic: UInt64 = 2
    static let interpreter: UInt64 = 3
  }

  /// nil: not an ELF file.
  /// - Parameter file: a descriptor, which stays the caller's.
  init?(_ file: Int32) {
    self.file = file
    header = ELFFile.read(file, 0, 64)
    guard header.starts(with: [0x7f, 0x45, 0x4c, 0x46]) else { return nil }
    let size = ELFFile.number(header, 54, 2)
    let count = ELFFile.number(header, 56, 2)
    guard isClass64, size >= 56, count <= 1024 else { return }
    let table = ELFFile.read(file, ELFFile.number(header, 32, 8), size * count)
    for index in 0..<Int(count) {
      let start = index * Int(size)
      guard start + 56 <= table.count else { return }
      programHeaders.append(
        ProgramHeader(
          kind: ELFFile.number(table, start, 4), offset: ELFFile.number(table, start + 8, 8), address: ELFFile.number(table, start + 16, 8),
          size: ELFFile.number(table, start + 32, 8)))
    }
  }

  var isClass64: Bool { header.count > 4 && header[4] == 2 }
  var machine: UInt64 { ELFFile.number(header, 18, 2) }
  var hasProgramHeaders: Bool { !programHeaders.isEmpty }

  /// The path of its loader; nil: statically linked.
  var interpreter: ByteString? {
    guard let found = programHeaders.first(where: { $0.kind == Kind.interpreter }) else { return nil }
    return ByteString(ELFFile.read(file, found.offset, min(found.size, 4096)).prefix { $0 != 0 })
  }

  /// The libraries it names itself (DT_NEEDED).
  var libraries: [ByteString] {
    guard let dynamic = programHeaders.first(where: { $0.kind == Kind.dynamic }) else { return [] }
    let entries = ELFFile.read(file, dynamic.offset, min(dynamic.size, 1 << 16))
    var names: [UInt64] = []
    var strings: UInt64?
    for start in stride(from: 0, to: entries.count - 15, by: 16) {
      let value = ELFFile.number(entries, start + 8, 8)
      switch ELFFile.number(entries, start, 8) {
      case 1 /* DT_NEEDED */: names.append(value)
      case 5 /* DT_STRTAB */: strings = offset(ofAddress: value)
      default: break
      }
    }
    guard let strings else { return [] }
    return names.map { name in ByteString(ELFFile.read(file, strings &+ name, 256).prefix { $0 != 0 }) }
  }

  private func offset(ofAddress address: UInt64) -> UInt64? {
    let segment = programHeaders.first { $0.kind == Kind.load && address >= $0.address && address - $0.address < $0.size }
    return segment.map { $0.offset &+ (address - $0.address) }
  }

  private static func number(_ bytes: [UInt8], _ index: Int, _ count: Int) -> UInt64 {
    var value: UInt64 = 0
    for offset in (0..<count).reversed() { value = value << 8 | UInt64(index + offset < bytes.count ? bytes[index + offset] : 0) }
    return value
  }

  private static func read(_ file: Int32, _ offset: UInt64, _ count: UInt64) -> [UInt8] {
    guard offset < 1 << 48, count > 0, count <= 1 << 27 else { return [] }
    return [UInt8](unsafeUninitializedCapacity: Int(count)) { buffer, initialized in
      initialized = max(0, pread(file, buffer.baseAddress, Int(count), Int(offset)))
    }
  }
}
