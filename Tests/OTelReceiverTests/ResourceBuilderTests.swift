import Testing

@testable import OTelReceiver

@Suite struct ResourceBuilderTests {
  private func attributes(_ entries: String..., host: HostResource = HostResource()) -> [String: ResourceBuilder.Value] {
    let identity = ProcessIdentity(Array(entries.map { $0 + "\0" }.joined().utf8))
    let pairs = ResourceBuilder(host: host).attributes(identity, instance: (0x0123_4567_89ab_cdef, 0x0123_4567_89ab_cdef))
    return Dictionary(pairs.map { ($0.key, $0.value) }) { first, _ in
      Issue.record("a key twice")
      return first
    }
  }

  @Test func detected() {
    var host = HostResource()
    (host.hostID, host.osName, host.osVersion, host.osDescription) = ("0123", "Debian", "12", "Debian 12")
    host.userNames = [1000: "ann"]
    let found = attributes(
      "process.pid=7", "process.user.id=1000", "process.executable.path=/usr/bin/curl", "process.command=curl",
      "process.start_time_unix_nano=1795361160098000000", "host.name=box", "host.machine=x86_64", "process.working_directory=/secret", host: host)
    let expected: [String: ResourceBuilder.Value] = [
      "service.name": .string("unknown_service:curl"), "service.instance.id": .string("01234567-89ab-4def-8123-456789abcdef"),
      "telemetry.sdk.name": .string("otelagent"), "telemetry.sdk.language": .string("swift"), "telemetry.sdk.version": .string("0.1.0"),
      "telemetry.distro.name": .string("otelagent"), "telemetry.distro.version": .string("0.1.0"), "process.pid": .integer(7),
      "process.executable.name": .string("curl"), "process.command": .string("curl"),
      "process.creation.time": .string("2026-11-22T15:26:00.098Z"), "process.owner": .string("ann"), "host.name": .string("box"),
      "host.arch": .string("amd64"), "host.id": .string("0123"), "os.type": .string("linux"), "os.name": .string("Debian"),
      "os.version": .string("12"), "os.description": .string("Debian 12"),
    ]
    #expect(found == expected)
  }

  @Test func theUserWins() {
    let found = attributes("host.name=box", "OTEL_RESOURCE_ATTRIBUTES=host.name=mine,service.instance.id=1,team=x,service.name=a", "OTEL_SERVICE_NAME=b")
    #expect(found["host.name"] == .string("mine"))
    #expect(found["service.instance.id"] == .string("1"))
    #expect(found["team"] == .string("x"))
    #expect(found["service.name"] == .string("b"))
  }

  @Test(arguments: [
    ("x86_64", "amd64"), ("aarch64", "arm64"), ("armv7l", "arm32"), ("i686", "x86"), ("ppc64le", "ppc64"), ("s390x", "s390x"), ("riscv64", "riscv64"),
  ])
  func architectures(_ machine: String, _ name: String) {
    #expect(HostResource.architecture(machine: machine) == name)
  }

  @Test func osRelease() {
    let found = HostResource.assignments("NAME=\"Debian GNU/Linux\"\n# x=y\nVERSION_ID='12'\nID=debian\nEMPTY=\nnonsense\n")
    #expect(found == ["NAME": "Debian GNU/Linux", "VERSION_ID": "12", "ID": "debian"])
  }
}
