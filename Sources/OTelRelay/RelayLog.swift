import COTelShims
import Glibc
import OTelReceiver

/// The relay's own log: a small file of its own, never a descriptor of a program it serves. Two files of 64 KiB at most.
///
/// Each line is one write(2), so that lines of two relays do not mix; control characters are escaped, so that no text from outside can
/// make a line of its own.
package final class RelayLog {
  package enum Level: Int, Comparable {
    case none = 0, error, warning, info, debug

    package static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }

    /// OTEL_LOG_LEVEL; an unknown value is "info", the default.
    package init(named name: String?) {
      switch name?.lowercased() {
      case "none", "off": self = .none
      case "error", "fatal": self = .error
      case "warn", "warning": self = .warning
      case "debug", "trace", "verbose": self = .debug
      default: self = .info
      }
    }
  }

  static let rotateAt = 64 << 10
  static let longestLine = 1024
  /// Lines a minute: whoever can make the relay complain cannot make it write without end.
  package static let mostLines = 200

  /// Nil when there is no place to write to.
  package let path: String?
  private let level: Level
  private let echoes: Bool
  private var file: Int32 = -1
  private let linesPerMinute: Int
  private var minute: UInt64 = 0
  private var linesInMinute = 0

  /// - Parameter echoes: lines also go to standard error: for a relay that runs in a terminal.
  package init(path: String?, level: Level, echoes: Bool, linesPerMinute: Int = mostLines) {
    self.linesPerMinute = linesPerMinute
    self.path = path
    self.level = level
    self.echoes = echoes
  }

  deinit { if file >= 0 { close(file) } }

  /// `$XDG_STATE_HOME/otelagent/relay.log`, else `~/.local/state/otelagent/relay.log`; root's is `/var/log/otelagent/relay.log`.
  /// Makes the directory, for its owner alone, when it is not there. Nil without a directory that is ours.
  package static func defaultPath(environment: [String: String]) -> String? {
    var bases: [String] = []
    if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") { bases.append(state) }
    if geteuid() == 0 { bases.append("/var/log") }
    if let home = environment["HOME"], home.hasPrefix("/"), home != "/" { bases.append(home + "/.local/state") }
    for base in bases {
      makeDirectories(base)
      let directory = base + "/otelagent"
      mkdir(directory, 0o700)
      var status = stat()
      guard lstat(directory, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid(), status.st_mode & 0o022 == 0 else { continue }
      if access(directory, W_OK) == 0 { return directory + "/relay.log" }
    }
    return nil
  }

  private static func makeDirectories(_ path: String) {
    var made = ""
    for part in path.split(separator: "/") {
      made += "/" + part
      if access(made, F_OK) != 0, mkdir(made, 0o700) != 0 { return }
    }
  }

  package func error(_ text: String) { write(.error, text) }
  package func warning(_ text: String) { write(.warning, text) }
  package func info(_ text: String) { write(.info, text) }
  package func debug(_ text: String) { write(.debug, text) }

  private func write(_ lineLevel: Level, _ text: String) {
    guard lineLevel <= level, isWithinLimit() else { return }
    let line = Array("\(timestamp(wallClockNanoseconds())) \(lineLevel) [\(getpid())] \(Self.escaped(text))\n".utf8)
    if echoes { _ = line.withUnsafeBytes { Glibc.write(2, $0.baseAddress, $0.count) } }
    guard openFile() else { return }
    _ = line.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
  }

  private func isWithinLimit() -> Bool {
    let current = monotonicNanoseconds() / 60_000_000_000
    if current != minute { (minute, linesInMinute) = (current, 0) }
    linesInMinute += 1
    return linesInMinute <= linesPerMinute
  }

  /// Opens the file, or a fresh one when it has grown too long.
  private func openFile() -> Bool {
    guard let path else { return false }
    var status = stat()
    if file >= 0, fstat(file, &status) == 0, status.st_size >= Self.rotateAt {
      // Another relay may have rotated it meanwhile: then what the path names is another file, and only to be opened.
      var named = stat()
      if lstat(path, &named) == 0, named.st_ino == status.st_ino { rename(path, path + ".1") }
      close(file)
      file = -1
    }
    if file < 0 { file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600) }
    return file >= 0
  }

  static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars.prefix(longestLine) {
      if scalar.value < 0x20 || scalar.value == 0x7f || 0x80..<0xa0 ~= scalar.value {
        result += "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
