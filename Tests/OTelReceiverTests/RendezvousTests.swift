import Testing

@testable import OTelReceiver

@Suite struct RendezvousTests {
  private func names(_ value: String) -> [String] { Rendezvous.candidates(environment: ["OTEL_NATIVE_RELAY": value]).map(\.name) }

  @Test func thePathThatWasChosenIsTheOnlyOne() {
    #expect(names("unix:/x/relay.sock") == ["/x/relay.sock"])
    #expect(names(" unix:/x ") == ["/x"])
  }

  @Test("What is not a value of the variable counts as unset", arguments: ["unix:relative", "unix:", "unix:/" + String(repeating: "x", count: 107)])
  func otherwiseWhereProgramsLook(_ value: String) {
    let usual = Rendezvous.candidates(environment: [:]).map(\.name)
    #expect(names(value) == usual)
    #expect(usual.last == "/run/otelagent/relay-v1.sock")
  }
}
