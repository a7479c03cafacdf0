import OTelInspection
import Testing

@testable import OTelLaunch

@Suite struct CommandOutputTests {
  private func output(_ script: String, milliseconds: UInt64 = 60_000) -> CommandOutput? {
    CommandOutput.of("/bin/sh", ["-c", ByteString(script)], environment: ["A=1"], milliseconds: milliseconds)
  }

  @Test func statusAndLines() {
    #expect(output("echo $A; echo; echo b >&2; exit 3") == CommandOutput(status: 3, lines: ["1"], remarks: ["b"]))
    #expect(output("kill -9 $$")?.status == nil)
    #expect(CommandOutput.of("/no/such/program", [], environment: [], milliseconds: 1000) == nil)
  }

  @Test func oneThatHangsIsEnded() { #expect(output("exec sleep 600", milliseconds: 50) == CommandOutput(status: nil, lines: [], remarks: [])) }
}
