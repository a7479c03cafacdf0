import Testing

@testable import OTelInspection

@Suite struct EnvironmentBarrierTests {
  private func barrier(_ command: String, isRoot: Bool = false) -> EnvironmentBarrier? {
    let words = command.split(separator: " ").map { ByteString(String($0)) }
    return EnvironmentBarrier(names: [words[0]], arguments: [ByteString](words.dropFirst()), isRoot: isRoot)
  }

  @Test(arguments: [
    "sudo id", "doas id", "pkexec id", "su", "docker run x", "docker --context a exec x y", "podman run x", "kubectl exec p -- x",
    "systemd-run x", "systemctl --user start x", "snap run x", "flatpak run x", "runuser -l x", "ld-linux-x86-64.so.2 x",
  ])
  func whole(_ command: String) { #expect(barrier(command)?.isWhole == true) }

  @Test(arguments: ["docker ps", "systemctl status", "systemd-run --scope x", "flatpak list", "sudoku", "sh", "runuser x", "kubectl get pods"])
  func none(_ command: String) { #expect(barrier(command) == nil) }

  @Test(arguments: ["ssh host x", "chroot / x"])
  func partly(_ command: String) { #expect(barrier(command)?.isWhole == false) }

  @Test func rootKeepsTheEnvironmentThroughSu() {
    #expect(barrier("su -c x", isRoot: true) == nil)
    #expect(barrier("su - -c x", isRoot: true) != nil)
  }

  @Test func byTheNameThatALinkLeadsTo() {
    #expect(EnvironmentBarrier(names: ["hello", "snap"], arguments: [], isRoot: false)?.reason.contains("snaps") == true)
  }
}

@Suite struct SecurityModulesTests {
  private let bench: Workbench

  init() throws { bench = try Workbench() }

  private func notes() -> [String] { SecurityModules(root: ByteString(bench.path)).notes("/usr/bin/man", agent: "/a.so") }

  @Test func nothingIsThere() { #expect(notes() == []) }

  @Test func appArmor() throws {
    try bench.write("sys/kernel/security/apparmor/profiles", "/usr/bin/manual (enforce)\n/usr/bin/man (complain)\n")
    try bench.write("proc/self/attr/current", "unconfined\n")
    #expect(notes() == [])
    try bench.write("sys/kernel/security/apparmor/profiles", "nautilus (enforce)\n/usr/bin/man (enforce)\n")
    #expect(notes().count == 1 && notes()[0].contains("/usr/bin/man (enforce)") && notes()[0].contains("/a.so"))
    try bench.write("proc/self/attr/current", "docker-default (enforce)\n")
    #expect(notes().count == 2 && notes()[1].contains("docker-default"))
  }

  @Test func seLinux() throws {
    try bench.write("sys/fs/selinux/enforce", "0")
    #expect(notes() == [])
    try bench.write("sys/fs/selinux/enforce", "1")
    #expect(notes().count == 1)
  }
}
