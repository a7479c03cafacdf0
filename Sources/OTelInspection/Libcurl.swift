/// A libcurl that is loaded with a program.
package struct Libcurl {
  package let path: ByteString
  /// The TLS library it was built with, as far as its version node tells.
  package let flavour: String
  package let users: [LoadedObjects.Object]
  /// What the users call it by and the agent does not have: such calls go past the agent.
  package let unknownVersions: [ByteString]

  /// - Parameter agent: the version nodes of the agent's own definitions.
  package static func all(in loaded: LoadedObjects, agent: [ByteString]) -> [Libcurl] {
    loaded.libraries.compactMap { library in
      guard library.name.hasPrefix("libcurl"), let file = library.file, let path = library.path,
        SymbolTable(file, names: ["curl_easy_perform"], scope: .dynamic).defined.contains("curl_easy_perform")
      else { return nil }
      let users = loaded.objects.filter { $0.needed.contains(library.name) }
      let versions = users.flatMap { $0.file.flatMap { SymbolVersions.needed(by: $0)[library.name] } ?? [] }
      return Libcurl(
        path: path, flavour: flavour(SymbolVersions.defined(by: file)), users: users,
        unknownVersions: versions.filter { !agent.contains($0) })
    }
  }

  private static func flavour(_ versions: [ByteString]) -> String {
    guard let version = versions.first(where: { $0.hasPrefix("CURL_") }) else { return "without symbol versions" }
    if version.hasPrefix("CURL_OPENSSL") { return "OpenSSL" }
    if version.hasPrefix("CURL_GNUTLS") { return "GnuTLS" }
    return version.hasPrefix("CURL_NSS") ? "NSS" : "\(version)"
  }

  /// Whether a program seems to have libcurl linked into itself: by a symbol, or by the name that libcurl sends of itself.
  package static func isBuilt(into program: ELFFile) -> Bool {
    SymbolTable(program, names: ["curl_easy_perform"], scope: .all).defined.contains("curl_easy_perform") || hasOwnName(program)
  }

  private static func hasOwnName(_ program: ELFFile) -> Bool {
    let name = Array("libcurl/".utf8)
    let step: UInt64 = 1 << 20
    for segment in program.constants {
      for start in stride(from: segment.offset, to: segment.offset &+ min(segment.size, 1 << 30), by: Int(step)) {
        // The pieces overlap, so that none of them ends in the middle of it.
        let bytes = program.file.read(start, step + 16)
        guard !bytes.isEmpty else { break }
        let isFound = bytes.withUnsafeBytes { piece in
          var search = ByteSearch(name, in: piece)
          while let match = search.next() {
            // With a version behind it; in other programs' texts the name alone is found as well.
            let end = match + name.count
            if end < piece.count, piece[end] &- 0x30 < 10 { return true }
          }
          return false
        }
        if isFound { return true }
      }
    }
    return false
  }
}
