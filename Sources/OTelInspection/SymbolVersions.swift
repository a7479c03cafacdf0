/// The version nodes that a library defines, and those that a program wants of its libraries.
package enum SymbolVersions {
  /// Without the first, which is the file's own name.
  package static func defined(by file: ELFFile) -> [ByteString] {
    guard let (table, strings) = tables(file, ELFFile.Section.versionDefinitions) else { return [] }
    var names: [ByteString] = []
    walk(table, next: 16) { start in
      guard table.number(start + 2, 2) & 1 /* VER_FLG_BASE */ == 0 else { return }
      names.append(strings.string(at: table.number(start + Int(table.number(start + 12, 4)), 4)))
    }
    return names
  }

  /// By the library's name in DT_NEEDED.
  package static func needed(by file: ELFFile) -> [ByteString: [ByteString]] {
    guard let (table, strings) = tables(file, ELFFile.Section.versionNeeds) else { return [:] }
    var names: [ByteString: [ByteString]] = [:]
    walk(table, next: 12) { start in
      var auxiliary = start + Int(table.number(start + 8, 4))
      for _ in 0..<table.number(start + 2, 2) {
        names[strings.string(at: table.number(start + 4, 4)), default: []].append(strings.string(at: table.number(auxiliary + 8, 4)))
        auxiliary += Int(table.number(auxiliary + 12, 4))
      }
    }
    return names
  }

  private static func tables(_ file: ELFFile, _ kind: UInt64) -> (table: [UInt8], strings: [UInt8])? {
    let sections = file.sections
    guard let section = sections.first(where: { $0.kind == kind }), sections.indices.contains(section.link) else { return nil }
    return (file.file.read(section.offset, section.size), file.file.read(sections[section.link].offset, sections[section.link].size))
  }

  /// A list in which each record says, at `next`, how far it is to the one behind it.
  private static func walk(_ table: [UInt8], next: Int, _ body: (Int) -> Void) {
    var start = 0
    while start < table.count {
      body(start)
      let distance = Int(table.number(start + next, 4))
      guard distance > 0 else { return }
      start += distance
    }
  }
}
