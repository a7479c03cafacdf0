import COTelShims
@preconcurrency import Glibc
import OTelInspection
import OTelView

/// Where a view goes: to the terminal, whatever the program's output was sent to; without one, to stderr. Never to stdout.
enum ViewOutput {
  static func show(_ summary: RunSummary, _ spans: SpanCollection, environment: Environment) {
    let terminal = open("/dev/tty", O_WRONLY | O_CLOEXEC | O_NOCTTY)
    defer { if terminal >= 0 { close(terminal) } }
    let output = terminal >= 0 ? terminal : STDERR_FILENO
    let style = TerminalStyle(variable: { environment[ByteString($0)]?.description }, terminalColumns: columns(output))
    write(TraceView(summary, spans, style: style).text, to: output)
  }

  /// nil: it is no terminal; 0: it does not know.
  private static func columns(_ descriptor: Int32) -> Int? {
    guard isatty(descriptor) == 1 else { return nil }
    // struct winsize: rows, columns, two more (tty_ioctl(4)).
    var size: (UInt16, UInt16, UInt16, UInt16) = (0, 0, 0, 0)
    let result = withUnsafeMutablePointer(to: &size) { otel_syscall6(Int(SYS_ioctl), Int(descriptor), 0x5413, Int(bitPattern: $0), 0, 0, 0) }
    return result == 0 ? Int(size.1) : 0
  }

  /// All of it, also where somebody made the descriptor non-blocking; unless nobody takes it.
  private static func write(_ text: String, to descriptor: Int32) {
    var bytes = [UInt8](text.utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if written > 0 {
        bytes.removeFirst(written)
      } else if errno == EAGAIN {
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&entry, 1, 10_000) > 0 else { return }
      } else if errno != EINTR {
        return
      }
    }
  }
}
