package import OTelInspection

/// The value of LD_PRELOAD: "a list of additional, user-specified, ELF shared objects … separated by spaces or colons" (ld.so(8)).
package enum PreloadList {
  /// `list` with `library` in front. Other entries, their order and their separators stay as they are. A library that is in the list
  /// already stays where it is: a second copy would record everything twice.
  ///
  /// - Parameter isSame: whether an entry is the same file as `library`.
  package static func adding(_ library: ByteString, to list: ByteString?, isSame: (ByteString) -> Bool) -> ByteString {
    guard let list, !list.isEmpty else { return library }
    return entries(list).contains(where: isSame) ? list : library + ":" + list
  }

  /// `list` without the entries that are the same file; nil when nothing is left. As it was when there are none.
  package static func removing(from list: ByteString, isSame: (ByteString) -> Bool) -> ByteString? {
    let all = entries(list)
    guard all.contains(where: isSame) else { return list }
    let others = all.filter { !isSame($0) }
    guard let first = others.first else { return nil }
    return others.dropFirst().reduce(first) { $0 + ":" + $1 }
  }

  private static func entries(_ list: ByteString) -> [ByteString] { list.split(" ", ":").filter { !$0.isEmpty } }

  /// Whether ld.so understands `path` as what it is. It has no way to quote a separator, and replaces `$ORIGIN`, `$LIB` and `$PLATFORM`.
  package static func canExpress(_ path: ByteString) -> Bool { !path.contains(" ") && !path.contains(":") && !path.contains("$") }
}
