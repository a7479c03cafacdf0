import Foundation
import Testing

@testable import OTelInspection

@Suite struct ObstacleTests {
  private let bench: Workbench

  init() throws { bench = try Workbench() }

  private func obstacle(_ program: MadeProgram) throws -> Obstacle? {
    Obstacle(loadingInto: try bench.elf(try bench.write("program", program.bytes)))
  }

  @Test func thisMachinesPrograms() throws {
    #expect(Obstacle(loadingInto: try bench.elf("/bin/sh")) == nil)
    #expect(Obstacle(loadingInto: try bench.elf("/proc/self/exe")) == nil)
  }

  @Test(arguments: ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/opt/glibc/lib/ld-2.17.so"])
  func glibc(_ loader: String) throws { #expect(try obstacle(MadeProgram(interpreter: loader)) == nil) }

  @Test func anotherLibc() throws {
    #expect(try obstacle(MadeProgram(interpreter: "/lib/ld-musl-x86_64.so.1")) == .musl)
    #expect(try obstacle(MadeProgram(interpreter: "/system/bin/linker64")) == .loader("/system/bin/linker64"))
  }

  @Test func noLoader() throws {
    #expect(try obstacle(.withoutInterpreter) == .statically)
    #expect(try obstacle(.go) == .go)
  }

  @Test func anotherProcessor() throws {
    #expect(try obstacle(MadeProgram.withoutInterpreter.with(1, at: 4)) == .class32)
    #expect(try obstacle(MadeProgram.withoutInterpreter.with(243, at: 18)) == .machine(Machine(number: 243)))
    // Big-endian.
    let other = MadeProgram.withoutInterpreter.with(2, at: 5).with(0, at: 18).with(22, at: 19)
    #expect(try obstacle(other)?.reason.contains("a program for S/390") == true)
  }

  @Test func realStaticPrograms() throws {
    let source = "int main(void) { return 0; }"
    let plain = try bench.elf(try bench.compile("static", source, "-static"))
    #expect(Obstacle(loadingInto: plain) == .statically && !plain.isPositionIndependent)
    let pie = try bench.elf(try bench.compile("static-pie", source, "-static-pie", "-fPIE"))
    #expect(Obstacle(loadingInto: pie) == .statically && pie.isPositionIndependent)
  }

  @Test func sanitizers() throws {
    let source = "int main(void) { return 0; }"
    // Named as a library is enough; the sanitizer itself need not be installed.
    try bench.compile("libasan.so", source, "-shared", "-fPIC", "-Wl,-soname,libasan.so.8")
    let program = try bench.elf(try bench.compile("program", source, "-L.", "-Wl,--no-as-needed", "-lasan"))
    #expect(Obstacle(loadingInto: program) == .sanitizer("libasan.so.8"))
    #expect(Obstacle(loadingInto: try bench.elf(try bench.compile("without", source))) == nil)
  }

  @Test func cutFilesDoNoHarm() throws {
    for whole in [MadeProgram(interpreter: "/lib64/ld-linux-x86-64.so.2").bytes, MadeProgram.go.bytes] {
      for length in 0..<whole.count {
        let cut = try bench.write("cut", Array(whole[..<length]))
        guard let elf = OpenFile(cut).flatMap({ ELFFile($0) }) else { continue }
        _ = Obstacle(loadingInto: elf)
        _ = SymbolTable(elf, names: ["connect"], scope: .all)
        _ = SymbolVersions.needed(by: elf)
      }
    }
  }
}

@Suite struct PrivilegeChangeTests {
  private let bench: Workbench
  private let caller = PrivilegeChange.Caller(user: 4_000_000, group: 4_000_000)

  init() throws { bench = try Workbench() }

  private func change(_ mode: mode_t, _ caller: PrivilegeChange.Caller) throws -> PrivilegeChange? {
    let path = try bench.write("program", MadeProgram.go.bytes, mode: mode)
    let file = try #require(OpenFile(path))
    return PrivilegeChange(file, caller: caller)
  }

  /// Where nothing gains rights, nothing is expected of the bits.
  private var isMountedNosuid: Bool {
    var system = statvfs()
    return statvfs(bench.path, &system) == 0 && system.f_flag & 2 != 0
  }

  @Test func bits() throws {
    #expect(try change(0o755, caller) == nil)
    #expect(try change(0o4755, caller) == (isMountedNosuid ? nil : .user(getuid())))
    #expect(try change(0o2755, caller) == (isMountedNosuid ? nil : .group(getgid())))
    // Without the group's execute bit it means another thing.
    #expect(try change(0o2745, caller) == nil)
  }

  @Test func theOwnersOwnRightsDoNotChange() throws {
    #expect(try change(0o6755, PrivilegeChange.Caller(user: getuid(), group: getgid())) == nil)
    var tamed = caller
    tamed.hasNoNewPrivileges = true
    #expect(try change(0o6755, tamed) == nil)
  }
}
