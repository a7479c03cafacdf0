import OTelConfiguration
import Testing

@testable import OTelReceiver

@Suite struct ProcessIdentityTests {
  private func identity(_ entries: String...) -> ProcessIdentity { ProcessIdentity(Array(entries.map { $0 + "\0" }.joined().utf8)) }

  @Test func serviceName() {
    #expect(identity().serviceName == "unknown_service")
    #expect(identity("process.executable.path=/usr/bin/curl").serviceName == "unknown_service:curl")
    #expect(identity("process.executable.path=/usr/bin/curl (deleted)").serviceName == "unknown_service:curl")
    #expect(identity("process.executable.path=/usr/bin/curl", "OTEL_RESOURCE_ATTRIBUTES=service.name=a").serviceName == "a")
    #expect(identity("OTEL_RESOURCE_ATTRIBUTES=service.name=a", "OTEL_SERVICE_NAME=b").serviceName == "b")
    #expect(identity("OTEL_RESOURCE_ATTRIBUTES=service.name=", "process.executable.path=/x/y").serviceName == "unknown_service:y")
  }

  @Test func resourceAttributes() {
    let found = identity("OTEL_RESOURCE_ATTRIBUTES= a = 1 , b=x%2Cy%3D,c=,b=2,d=e=f")
    #expect(found.userAttributes.map { "\($0.key)=\($0.value)" } == ["a=1", "c=", "b=2", "d=e=f"])
    #expect(found.problems.isEmpty)
  }

  @Test("Any error discards the whole variable", arguments: ["a=1,b", "a=%zz", "=1", "a=%ff"])
  func invalidResourceAttributes(_ value: String) {
    let found = identity("OTEL_RESOURCE_ATTRIBUTES=ok=1,\(value)")
    #expect(found.userAttributes.isEmpty)
    #expect(found.problems.map(\.name) == ["OTEL_RESOURCE_ATTRIBUTES"])
  }

  @Test func bytesThatAreNoText() {
    let found = ProcessIdentity(Array("process.executable.path=/bin/".utf8) + [0xff, 0xfe, 0] + Array("process.pid=abc".utf8))
    #expect(found.executableName == "\u{fffd}\u{fffd}")
    #expect(found.processID == nil)
  }
}
