import Testing

@testable import OTelInspection

@Suite struct ExecutableChainTests {
  private let bench: Workbench

  init() throws { bench = try Workbench() }

  private func chain(_ path: ByteString, _ arguments: [ByteString] = []) -> ExecutableChain {
    ExecutableChain(path, arguments: arguments) { $0 == "sh" ? "/bin/sh" : nil }
  }

  private func isProgram(_ end: ExecutableChain.End) -> Bool {
    if case .program = end { true } else { false }
  }

  private func line(_ text: String) throws -> ScriptLine? {
    let path = try bench.write("line", text)
    return ScriptLine(try #require(OpenFile(path)))
  }

  @Test func firstLines() throws {
    #expect(try line("#!/bin/sh\necho\n")?.interpreter == "/bin/sh")
    #expect(try line("#!/bin/sh\n")?.argument == nil)
    #expect(try line("#! \t/bin/sh  -e x \t\n")?.interpreter == "/bin/sh")
    #expect(try line("#! \t/bin/sh  -e x \t\n")?.argument == "-e x")
    #expect(try line("#!/bin/sh")?.interpreter == "/bin/sh")
    #expect(try line("#!/bin/sh\r\n")?.interpreter == "/bin/sh\r")
    #expect(try line("#!\n") == nil)
    #expect(try line("#! ") == nil)
    #expect(try line("/bin/sh\n") == nil)
    // The kernel looks at 256 bytes.
    #expect(try line("#!/" + String(repeating: "x", count: 300) + "\n") == nil)
    #expect(try line("#!/x " + String(repeating: "y", count: 300) + "\n")?.interpreter == "/x")
  }

  @Test func aProgram() {
    let chain = chain("/bin/sh")
    #expect(chain.steps == [.init(path: "/bin/sh", reason: .asked)])
    #expect(isProgram(chain.end))
  }

  @Test func scripts() throws {
    let inner = try bench.write("inner", "#!/bin/sh -e\n")
    let outer = try bench.write("outer", "#!\(inner)\n")
    let chain = chain(outer)
    #expect(chain.steps.map(\.path) == [outer, inner, "/bin/sh"])
    #expect(chain.steps.map(\.reason) == [.asked, .interpreter, .interpreter])
    #expect(isProgram(chain.end))
  }

  @Test(arguments: ["#!/usr/bin/env sh\n", "#!/usr/bin/env -S sh -e\n", "#!/usr/bin/env -SX=1 sh\n", "#!/usr/bin/env -vS -u A sh\n"])
  func env(_ text: String) throws {
    let script = try bench.write("script", text)
    #expect(chain(script).steps.map(\.path) == [script, "/usr/bin/env", "/bin/sh"])
    #expect(chain(script).steps.last?.reason == .env)
    #expect(!chain(script).dropsAgent)
  }

  @Test func envOnTheCommandLine() {
    #expect(chain("/usr/bin/env", ["A=1", "sh", "-c", "x"]).last == "/bin/sh")
    #expect(chain("/usr/bin/env", ["-i", "sh"]).dropsAgent)
    #expect(chain("/usr/bin/env", ["no-such-program"]).last == "/usr/bin/env")
    #expect(chain("/usr/bin/env").last == "/usr/bin/env")
  }

  @Test func aLoopHasAnEnd() throws {
    let loop = try bench.write("loop", "#!\(bench.path)/loop\n")
    guard case .tooDeep = chain(loop).end else {
      Issue.record("a loop counts as something that can be run")
      return
    }
  }

  /// As deep as the kernel goes, which is asked, and one deeper.
  @Test func asDeepAsTheKernel() throws {
    var path: ByteString = "/bin/sh"
    for depth in 1...6 {
      path = try bench.write("s\(depth)", "#!\(path)\n")
      let runs = try bench.run("\(path)", []).status == 0
      #expect(isProgram(chain(path).end) == runs, "\(depth)")
      #expect(runs == (depth < 6))
    }
  }

  @Test func missing() throws {
    let script = try bench.write("script", "#!/no/such/interpreter\n")
    guard case .missing = chain(script).end else {
      Issue.record("an interpreter that does not exist was found")
      return
    }
    #expect(chain(script).last == "/no/such/interpreter")
  }

  @Test func withoutAFirstLineAShellRunsIt() throws {
    let script = try bench.write("script", "echo\n")
    #expect(chain(script).steps.last == .init(path: "/bin/sh", reason: .shell))
    #expect(chain(try bench.write("empty", "")).last == "/bin/sh")
  }
}

@Suite struct EnvCommandTests {
  @Test(arguments: [
    (["p"], "p", false), (["A=1", "B=", "p", "C=1"], "p", false), (["-i", "p"], "p", true), (["-", "p"], "p", true),
    (["-u", "LD_PRELOAD", "p"], "p", true), (["--unset=LD_PRELOAD", "p"], "p", true), (["-u", "X", "-C", "/", "--", "p"], "p", false),
    (["LD_PRELOAD=", "p"], "p", true),
  ])
  func runs(_ words: [String], _ program: String, _ drops: Bool) throws {
    let command = try #require(EnvCommand(words.map { ByteString($0) }))
    #expect(command.program == ByteString(program))
    #expect(command.dropsAgent == drops)
  }

  @Test(arguments: [[], ["A=1"], ["--help"], ["-0"]])
  func runsNothingKnown(_ words: [String]) { #expect(EnvCommand(words.map { ByteString($0) }) == nil) }
}
