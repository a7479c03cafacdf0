@preconcurrency import Glibc
import OTelInspection

/// Another program's exit status and what it wrote, within a time.
struct CommandOutput: Equatable {
  /// nil: it did not end in time, or by a signal.
  var status: Int32?
  /// Of stdout and stderr, without blank lines.
  var lines: [String]

  /// nil: it could not be started.
  static func of(_ program: ByteString, _ arguments: [ByteString], environment: [ByteString], milliseconds: UInt64) -> CommandOutput? {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return nil }
    defer { close(ends[0]) }
    // Only this thread starts programs, so that none is started between the two calls.
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO)
    let argv = CStringArray([program] + arguments)
    let variables = CStringArray(environment)
    var child: pid_t = 0
    let error = withExtendedLifetime((argv, variables)) {
      program.withCString { posix_spawn(&child, $0, &actions, nil, argv.pointer, variables.pointer) }
    }
    close(ends[1])
    guard error == 0 else { return nil }

    let output = collect(ends[0], until: now() + milliseconds)
    if !output.isComplete { kill(child, SIGKILL) }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
    let lines = String(decoding: output.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    return CommandOutput(status: status & 0x7f == 0 ? (status >> 8) & 0xff : nil, lines: lines)
  }

  /// Up to the end of the output, which is the end of the program, or until the time is over.
  private static func collect(_ descriptor: Int32, until deadline: UInt64) -> (bytes: [UInt8], isComplete: Bool) {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    while true {
      let time = now()
      guard time < deadline else { return (bytes, false) }
      var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let ready = poll(&request, 1, Int32(min(deadline - time, 60_000)))
      if ready <= 0 { continue }
      let count = read(descriptor, &piece, piece.count)
      guard count > 0 else { return (bytes, true) }
      // More than a line or two is nothing that a report could use.
      if bytes.count < 1 << 16 { bytes += piece[..<count] }
    }
  }

  private static func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1000 + UInt64(time.tv_nsec) / 1_000_000
  }
}
