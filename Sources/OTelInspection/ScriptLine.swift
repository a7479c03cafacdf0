/// The first line of a script, as the kernel reads it (fs/binfmt_script.c).
package struct ScriptLine: Equatable {
  package let interpreter: ByteString
  /// All that stands behind the interpreter: one argument, spaces and all.
  package let argument: ByteString?

  /// nil: no script, or one whose line the kernel refuses.
  package init?(_ file: OpenFile) {
    // BINPRM_BUF_SIZE.
    let head = file.read(0, 256)
    guard head.starts(with: Array("#!".utf8)) else { return nil }
    let end = head.firstIndex(of: 0x0a)
    let line = head[2..<(end ?? head.count)]
    let text = line.drop(while: ScriptLine.isBlank)
    let path = text.prefix { !ScriptLine.isBlank($0) && $0 != 0 }
    // Without the line's end, a path that nothing ends may be cut off.
    guard !path.isEmpty, end != nil || path.endIndex < head.endIndex || head.count < 256 else { return nil }
    interpreter = ByteString(path)
    var rest = text[path.endIndex...].drop(while: ScriptLine.isBlank).prefix { $0 != 0 }
    while let last = rest.last, ScriptLine.isBlank(last) { rest.removeLast() }
    argument = rest.isEmpty ? nil : ByteString(rest)
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}
