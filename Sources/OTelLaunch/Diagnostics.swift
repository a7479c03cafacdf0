@preconcurrency import Glibc

/// The launcher's own lines on stderr, before the program has it.
package enum Diagnostics {
  /// One line, in one write so that the lines of several processes do not mix.
  package static func write(_ message: String) { write("otel-instrument: " + message + "\n", to: STDERR_FILENO) }

  /// Whether all of it was written.
  @discardableResult
  package static func write(_ text: String, to descriptor: Int32) -> Bool {
    var bytes = [UInt8](text.utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if written < 0, errno == EINTR { continue }
      guard written > 0 else { return false }
      bytes.removeFirst(written)
    }
    return true
  }
}
