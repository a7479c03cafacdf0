/// Which of some names a file defines and which it takes from elsewhere.
package struct SymbolTable {
  /// Names that the file's own code or data bears.
  package private(set) var defined: Set<ByteString> = []
  /// Names that the loader has to find for it.
  package private(set) var imported: Set<ByteString> = []

  package enum Scope {
    /// What the loader sees.
    case dynamic
    /// Also what only a debugger sees, unless it was stripped off.
    case all
  }

  package init(_ file: ELFFile, names: [ByteString], scope: Scope) {
    let sections = file.sections
    for section in sections
    where section.kind == ELFFile.Section.dynamicSymbols || (scope == .all && section.kind == ELFFile.Section.symbols) {
      guard sections.indices.contains(section.link) else { continue }
      let strings = file.file.read(sections[section.link].offset, sections[section.link].size)
      let offsets = SymbolTable.offsets(of: names, in: strings)
      guard !offsets.isEmpty else { continue }
      let symbols = file.file.read(section.offset, section.size)
      symbols.withUnsafeBytes { bytes in
        for start in stride(from: 0, to: bytes.count - 23, by: 24) {
          guard let name = offsets[bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self).littleEndian] else { continue }
          if bytes.loadUnaligned(fromByteOffset: start + 6, as: UInt16.self) == 0 { imported.insert(name) } else { defined.insert(name) }
        }
      }
    }
  }

  /// Every place where one of the names ends at a NUL: linkers let a name be the end of a longer one.
  private static func offsets(of names: [ByteString], in strings: [UInt8]) -> [UInt32: ByteString] {
    var found: [UInt32: ByteString] = [:]
    strings.withUnsafeBytes { haystack in
      for name in names {
        var search = ByteSearch(name.bytes + [0], in: haystack)
        while let offset = search.next() { found[UInt32(truncatingIfNeeded: offset)] = name }
      }
    }
    return found
  }
}
