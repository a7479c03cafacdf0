/// The version nodes that a library defines, and those that a program wants of its libraries.
///
/// A file may say anything: records lie behind each other and not in each other, and there are no more than `mostNames`.
package enum SymbolVersions {
  /// Debian's largest programs want some hundred.
  private static let mostNames = 8192
  private static let recordSize = 16

  /// Without the first, which is the file's own name.
  package static func defined(by file: ELFFile) -> [ByteString] {
    guard let (table, strings) = tables(file, ELFFile.Section.versionDefinitions) else { return [] }
    var names: [ByteString] = []
    walk(table, from: 0, next: 16, count: mostNames) { start in
      guard table.number(start + 2, 2) & 1 /* VER_FLG_BASE */ == 0 else { return }
      names.append(strings.string(at: table.number(start + Int(table.number(start + 12, 4)), 4)))
    }
    return names
  }

  /// By the library's name in DT_NEEDED.
  package static func needed(by file: ELFFile) -> [ByteString: [ByteString]] {
    guard let (table, strings) = tables(file, ELFFile.Section.versionNeeds) else { return [:] }
    var names: [ByteString: [ByteString]] = [:]
    var left = mostNames
    walk(table, from: 0, next: 12, count: mostNames) { start in
      let library = strings.string(at: table.number(start + 4, 4))
      let count = min(left, Int(table.number(start + 2, 2)))
      walk(table, from: start + Int(table.number(start + 8, 4)), next: 12, count: count) { auxiliary in
        names[library, default: []].append(strings.string(at: table.number(auxiliary + 8, 4)))
        left -= 1
      }
    }
    return names
  }

  private static func tables(_ file: ELFFile, _ kind: UInt64) -> (table: [UInt8], strings: [UInt8])? {
    let sections = file.sections
    guard let section = sections.first(where: { $0.kind == kind }), sections.indices.contains(section.link) else { return nil }
    return (file.file.read(section.offset, section.size), file.file.read(sections[section.link].offset, sections[section.link].size))
  }

  /// A list of at most `count` records, in which each says, at `next`, how far it is to the one behind it; 0 for the last.
  private static func walk(_ table: [UInt8], from first: Int, next: Int, count: Int, _ body: (Int) -> Void) {
    var start = first
    for _ in 0..<count where start < table.count {
      body(start)
      let distance = Int(table.number(start + next, 4))
      guard distance >= recordSize else { return }
      start += distance
    }
  }
}
