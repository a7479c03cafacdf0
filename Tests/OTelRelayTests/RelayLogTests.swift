import Glibc
import Testing

@testable import OTelRelay

@Suite struct RelayLogTests {
  private func withDirectory(_ body: (String) throws -> Void) rethrows {
    var template = Array("/tmp/otel-log-test.XXXXXX".utf8CString)
    let directory = String(cString: mkdtemp(&template))
    defer {
      for name in ["relay.log", "relay.log.1"] { unlink(directory + "/" + name) }
      for name in ["/otelagent", ""] { rmdir(directory + name) }
    }
    try body(directory)
  }

  private func text(_ path: String) -> String {
    let file = open(path, O_RDONLY)
    guard file >= 0 else { return "" }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = read(file, &bytes, bytes.count)
    return String(decoding: bytes[..<max(0, count)], as: UTF8.self)
  }

  @Test func linesAreLines() {
    withDirectory { directory in
      let log = RelayLog(path: directory + "/relay.log", level: .info, echoes: false)
      log.info("a\nb\r\u{1b}[31m\u{7f}\u{85}ü")
      log.debug("not this")
      let lines = text(directory + "/relay.log").split(separator: "\n")
      #expect(lines.count == 1)
      #expect(lines.first?.hasSuffix("info [\(getpid())] a\\x0ab\\x0d\\x1b[31m\\x7f\\x85ü") == true)
      var status = stat()
      #expect(stat(directory + "/relay.log", &status) == 0 && status.st_mode & 0o777 == 0o600)
    }
  }

  @Test func complaintsAreBounded() {
    withDirectory { directory in
      let log = RelayLog(path: directory + "/relay.log", level: .info, echoes: false, linesPerMinute: 5)
      for _ in 0..<100 { log.info("x") }
      // Ten, if a minute ended in between.
      #expect((5...10).contains(text(directory + "/relay.log").split(separator: "\n").count))
    }
  }

  @Test func isSmall() {
    withDirectory { directory in
      let log = RelayLog(path: directory + "/relay.log", level: .info, echoes: false, linesPerMinute: .max)
      for number in 0..<3000 { log.info("line \(number) " + String(repeating: "x", count: 100)) }
      for name in ["/relay.log", "/relay.log.1"] {
        let size = text(directory + name).utf8.count
        #expect(size > 0 && size <= RelayLog.rotateAt + 2048)
      }
      #expect(text(directory + "/relay.log").contains("line 2999"))
    }
  }

  @Test func place() {
    withDirectory { directory in
      #expect(RelayLog.defaultPath(environment: ["XDG_STATE_HOME": directory]) == directory + "/otelagent/relay.log")
      chmod(directory + "/otelagent", 0o777)
      #expect(RelayLog.defaultPath(environment: ["XDG_STATE_HOME": directory])?.hasPrefix(directory) != true, "others may write there")
    }
  }

  @Test(arguments: [("WARN", RelayLog.Level.warning), ("none", .none), ("debug", .debug), ("", .info), ("nonsense", .info)])
  func levels(_ name: String, _ level: RelayLog.Level) {
    #expect(RelayLog.Level(named: name) == level)
  }
}
