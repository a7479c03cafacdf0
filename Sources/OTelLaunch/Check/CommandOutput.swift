@preconcurrency import Glibc
import OTelInspection

/// Another program's exit status and what it wrote, within a time.
struct CommandOutput: Equatable {
  /// nil: it did not end in time, or by a signal.
  var status: Int32?
  /// Of stdout, without blank lines.
  var lines: [String]
  /// Of stderr.
  var remarks: [String]

  /// nil: it could not be started.
  static func of(_ program: ByteString, _ arguments: [ByteString], environment: [ByteString], milliseconds: UInt64) -> CommandOutput? {
    guard let output = OutputPipe(), let errors = OutputPipe() else { return nil }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output.writingEnd, STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, errors.writingEnd, STDERR_FILENO)
    let argv = CStringArray([program] + arguments)
    let variables = CStringArray(environment)
    var child: pid_t = 0
    let error = withExtendedLifetime((argv, variables)) {
      program.withCString { posix_spawn(&child, $0, &actions, nil, argv.pointer, variables.pointer) }
    }
    output.closeWritingEnd()
    errors.closeWritingEnd()
    guard error == 0 else { return nil }

    if !OutputPipe.collect([output, errors], until: now() + milliseconds, now: now) { kill(child, SIGKILL) }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
    return CommandOutput(status: status & 0x7f == 0 ? (status >> 8) & 0xff : nil, lines: output.lines, remarks: errors.lines)
  }

  private static func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1000 + UInt64(time.tv_nsec) / 1_000_000
  }
}

/// A pipe that a program writes into, and what has come out of it. Closed with the last reference to it.
private final class OutputPipe {
  private let readingEnd: Int32
  private(set) var writingEnd: Int32
  private var bytes: [UInt8] = []
  private var isAtEnd = false

  init?() {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return nil }
    (readingEnd, writingEnd) = (ends[0], ends[1])
    // Only this thread starts programs, so that none is started before these two calls.
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
  }

  deinit {
    close(readingEnd)
    closeWritingEnd()
  }

  func closeWritingEnd() {
    if writingEnd >= 0 { close(writingEnd) }
    writingEnd = -1
  }

  var lines: [String] { String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init) }

  /// Reads all to their end, which is the end of the program; false when the time is over before.
  static func collect(_ pipes: [OutputPipe], until deadline: UInt64, now: () -> UInt64) -> Bool {
    while true {
      let open = pipes.filter { !$0.isAtEnd }
      if open.isEmpty { return true }
      let time = now()
      guard time < deadline else { return false }
      var requests = open.map { pollfd(fd: $0.readingEnd, events: Int16(POLLIN), revents: 0) }
      guard poll(&requests, nfds_t(requests.count), Int32(min(deadline - time, 60_000))) > 0 else { continue }
      for (pipe, request) in zip(open, requests) where request.revents != 0 { pipe.receive() }
    }
  }

  private func receive() {
    var piece = [UInt8](repeating: 0, count: 4096)
    let count = read(readingEnd, &piece, piece.count)
    isAtEnd = count <= 0
    // More than a line or two is nothing that a report could use.
    if count > 0, bytes.count < 1 << 16 { bytes += piece[..<count] }
  }
}
