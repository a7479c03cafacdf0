import ArgumentParser
import Glibc
import OTelConfiguration
import OTelPrimitives
import OTelRelay

struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Ask the collector whether it would take spans.",
    discussion: """
      Reads the OTEL_* variables as a program under otelagent would, sends an empty request to where its spans would go, and says in one \
      line what was answered. Exit status 0: it takes spans; 1: it does not.
      """)

  func run() throws {
    var bytes: [UInt8] = []
    var entry = environ
    while let text = entry.pointee {
      bytes += UnsafeRawBufferPointer(start: text, count: strlen(text))
      bytes.append(0)
      entry += 1
    }
    let check = bytes.withUnsafeBufferPointer { buffer in
      CollectorCheck(EnvironmentBlock(buffer.baseAddress.map { Text($0, count: buffer.count) } ?? Text("")))
    }
    // The answer first, also for who reads both from one pipe.
    write(check.answer, to: STDOUT_FILENO)
    if let hint = check.hint { write(hint, to: STDERR_FILENO) }
    for problem in check.problems { write(problem.description, to: STDERR_FILENO) }
    if !check.takesSpans { throw ExitCode.failure }
  }

  private func write(_ line: String, to descriptor: Int32) { _ = (line + "\n").withCString { Glibc.write(descriptor, $0, strlen($0)) } }
}
