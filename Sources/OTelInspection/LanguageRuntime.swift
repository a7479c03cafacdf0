/// An interpreter or virtual machine: it loads libraries only when its script or program asks for them, and much of what it sends does
/// not pass through a C library that is traced.
package struct LanguageRuntime: Equatable, Sendable {
  package let name: String
  /// OpenTelemetry's own agent for the language; nil: there is none.
  package let agent: String?

  /// - Parameter program: the name of the program's file, such as `python3.11`.
  package init?(_ program: ByteString) {
    guard let found = LanguageRuntime.known.first(where: { LanguageRuntime.isVersion(of: $0.prefix, program) }) else { return nil }
    (name, agent) = (found.name, found.agent)
  }

  private static let known: [(prefix: ByteString, name: String, agent: String?)] = [
    ("python", "Python", "opentelemetry-instrument"),
    ("node", "Node.js", "@opentelemetry/auto-instrumentations-node"),
    ("java", "Java", "opentelemetry-javaagent.jar"),
    ("ruby", "Ruby", "opentelemetry-instrumentation-all"),
    ("php", "PHP", "the extension opentelemetry"),
    ("php-fpm", "PHP", "the extension opentelemetry"),
    ("dotnet", ".NET", "OpenTelemetry .NET Automatic Instrumentation"),
    ("perl", "Perl", nil), ("lua", "Lua", nil), ("luajit", "Lua", nil), ("tclsh", "Tcl", nil), ("guile", "Guile", nil), ("Rscript", "R", nil),
  ]

  /// The name itself, or with a number behind it.
  private static func isVersion(of prefix: ByteString, _ program: ByteString) -> Bool {
    program.hasPrefix(prefix) && program.bytes.dropFirst(prefix.bytes.count).allSatisfy { $0 &- 0x30 < 10 || $0 == 0x2e || $0 == 0x2d }
  }
}
