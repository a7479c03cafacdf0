import Foundation
import Testing

@testable import OTelLaunch

@Suite struct ProgramLookupTests {
  private let home: Home

  init() throws {
    home = try Home()
    for folder in ["a", "b", "c/program"] { try FileManager.default.createDirectory(atPath: home.path + "/" + folder, withIntermediateDirectories: true) }
    try Data().write(to: URL(fileURLWithPath: home.path + "/a/program"))
    chmod(home.path + "/a/program", 0o644)
    try Data().write(to: URL(fileURLWithPath: home.path + "/b/program"))
    chmod(home.path + "/b/program", 0o755)
  }

  private func path(_ folders: String...) -> ByteString { ByteString(folders.map { home.path + "/" + $0 }.joined(separator: ":")) }

  @Test func goesOnBehindWhatMayNotBeExecuted() throws {
    #expect(try ProgramLookup.find("program", searchPath: path("none", "a", "c", "b")) == ByteString(home.path + "/b/program"))
  }

  @Test func remembersWhatMayNotBeExecuted() {
    #expect { try ProgramLookup.find("program", searchPath: path("a", "none")) } throws: {
      ($0 as? LaunchError)?.status == 126
    }
    #expect { try ProgramLookup.find("program", searchPath: path("none")) } throws: {
      ($0 as? LaunchError)?.status == 127
    }
  }

  @Test func withoutPathThereIsTheDefault() throws { #expect(try ProgramLookup.find("sh", searchPath: nil) == "/bin/sh") }

  @Test func anEmptyPartIsTheWorkingDirectory() {
    #expect { try ProgramLookup.find("no-such-program", searchPath: ":") } throws: { ($0 as? LaunchError)?.status == 127 }
  }
}

@Suite struct TargetInspectorTests {
  @Test func thisMachinesPrograms() {
    #expect(TargetInspector.inspect("/bin/sh") == .loadable)
    #expect(TargetInspector.inspect("/proc/self/exe") == .loadable)
    #expect(TargetInspector.inspect("/no/such/file") == .loadable)
  }

  /// A 64-bit program of this machine with one program header.
  private func program(interpreter: String?) -> [UInt8] {
    #if arch(x86_64)
    let machine: UInt8 = 62
    #else
    let machine: UInt8 = 183
    #endif
    var bytes = [UInt8](repeating: 0, count: 120)
    bytes.replaceSubrange(0..<7, with: [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
    bytes[16] = 3
    bytes[18] = machine
    bytes[32] = 64
    bytes[54] = 56
    bytes[56] = 1
    bytes[64] = interpreter == nil ? 1 : 3
    bytes[72] = 120
    let name = Array((interpreter ?? "").utf8) + [0]
    bytes[96] = UInt8(name.count)
    return bytes + name
  }

  private func inspect(_ bytes: [UInt8]) throws -> TargetInspector.Target {
    let home = try Home()
    let file = home.path + "/program"
    try Data(bytes).write(to: URL(fileURLWithPath: file))
    return withExtendedLifetime(home) { TargetInspector.inspect(ByteString(file)) }
  }

  @Test(arguments: ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"])
  func glibc(_ loader: String) throws { #expect(try inspect(program(interpreter: loader)) == .loadable) }

  @Test func musl() throws {
    #expect(
      try inspect(program(interpreter: "/lib/ld-musl-x86_64.so.1")) == .foreign(reason: "it is a program for musl and the agent needs glibc"))
  }

  @Test func staticallyLinked() throws { #expect(try inspect(program(interpreter: nil)) == .staticallyLinked) }

  @Test func sanitizers() throws {
    let home = try Home()
    try Data("int main(void) { return 0; }".utf8).write(to: URL(fileURLWithPath: home.path + "/main.c"))
    func build(_ options: String...) throws -> TargetInspector.Target {
      let result = try run("cc", options + ["-o", home.path + "/main", home.path + "/main.c"], environment: home.environment)
      try #require(result.status == 0, "\(result.errors)")
      return TargetInspector.inspect(ByteString(home.path + "/main"))
    }
    // Named as a library is enough; the sanitizer itself need not be installed.
    _ = try build("-shared", "-fPIC", "-Wl,-soname,libasan.so.8")
    try FileManager.default.moveItem(atPath: home.path + "/main", toPath: home.path + "/libasan.so")
    guard case .foreign(let reason) = try build("-L\(home.path)", "-Wl,--no-as-needed", "-lasan") else {
      Issue.record("a program with libasan counts as loadable")
      return
    }
    #expect(reason.contains("libasan.so.8"))
    #expect(try build() == .loadable)
  }

  @Test func scripts() throws {
    #expect(try inspect(Array("#! /bin/sh -e\n".utf8)) == .loadable)
    #expect(try inspect(Array("#!".utf8)) == .loadable)
    let home = try Home()
    let loop = home.path + "/loop"
    try Data("#!\(loop)\n".utf8).write(to: URL(fileURLWithPath: loop))
    #expect(TargetInspector.inspect(ByteString(loop)) == .loadable)
  }

  @Test func cutFilesDoNoHarm() throws {
    let whole = program(interpreter: "/lib64/ld-linux-x86-64.so.2")
    for length in 0..<whole.count { _ = try inspect(Array(whole[..<length])) }
  }
}
