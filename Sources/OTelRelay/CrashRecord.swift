import COTelShims
import Glibc

/// The file that `otel_rendezvous_leaves_out` reads: which programs crashed lately, and which are left alone until when. In a directory that
/// only its user may enter. Read each time: the user may have removed it.
struct CrashRecord {
  struct Entry: Equatable {
    var path: String
    /// Left alone until then, in Unix seconds; 0: not.
    var until: UInt64 = 0
    /// In a row.
    var count: UInt64 = 0
    var last: UInt64 = 0
  }

  /// What readers look at is the file's first 4 KiB.
  static let mostBytes = 4096

  let file: String

  /// - Parameter socket: its path.
  init(besides socket: String) { file = String(socket[...(socket.lastIndex(of: "/") ?? socket.startIndex)]) + OTEL_CRASHES }

  func read() -> [Entry] {
    let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: Self.mostBytes)
    let count = bytes.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
    // Whole lines, as `otel_rendezvous_leaves_out` reads them.
    let lines = bytes.prefix(max(0, count))
    return String(decoding: lines[..<(lines.lastIndex(of: UInt8(ascii: "\n")) ?? 0)], as: UTF8.self).split(separator: "\n").compactMap { Self.entry($0) }
  }

  static func entry(_ line: Substring) -> Entry? {
    let words = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
    guard words.count == 4, let until = UInt64(words[0]), let count = UInt64(words[1]), let last = UInt64(words[2]) else { return nil }
    return Entry(path: String(words[3]), until: until, count: count, last: last)
  }

  static func text(_ entries: [Entry]) -> String {
    var text = ""
    for entry in entries {
      let line = "\(entry.until) \(entry.count) \(entry.last) \(entry.path)\n"
      if text.utf8.count + line.utf8.count <= mostBytes { text += line }
    }
    return text
  }

  /// Puts `entry` first, so that it is the oldest ones that do not fit.
  func write(_ entry: Entry) -> Bool { replace([entry] + read().filter { $0.path != entry.path }) }

  /// The program ended well: what it did before was no row. What is left alone stays so, as its processes without the agent tell nothing.
  func forget(_ path: String, now: UInt64) {
    let entries = read()
    guard let entry = entries.first(where: { $0.path == path }), entry.until <= now else { return }
    _ = replace(entries.filter { $0.path != path })
  }

  /// By rename: a reader has the old file or the new one.
  private func replace(_ entries: [Entry]) -> Bool {
    guard !entries.isEmpty else { return unlink(file) == 0 }
    let new = "\(file).\(getpid())"
    let descriptor = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { return false }
    let bytes = Array(Self.text(entries).utf8)
    let isWritten = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) } == bytes.count
    close(descriptor)
    guard isWritten, rename(new, file) == 0 else {
      unlink(new)
      return false
    }
    return true
  }
}
