import OTelPrimitives
import Testing

@testable import OTelConfiguration

@Suite struct EnvironmentVariableTests {
  private let names = EnvironmentVariable.table.map { String($0.name) }

  @Test func namesAreUniqueAndOurs() {
    #expect(Set(names).count == names.count)
    #expect(names.allSatisfy { $0.hasPrefix("OTEL_") })
  }

  // The variables of sdk-environment-variables.md and protocol/exporter.md, for each signal where there are signals.
  @Test func everySignalHasEveryOption() {
    for option in ["ENDPOINT", "PROTOCOL", "HEADERS", "TIMEOUT", "COMPRESSION", "CERTIFICATE", "CLIENT_KEY", "CLIENT_CERTIFICATE", "INSECURE"] {
      for signal in ["", "TRACES_", "METRICS_", "LOGS_"] { #expect(names.contains("OTEL_EXPORTER_OTLP_" + signal + option)) }
    }
  }

  @Test func everyDefaultIsAValueOfItsVariable() {
    for variable in EnvironmentVariable.table where !Text(variable.defaultText).isEmpty {
      // Limits that are off have no number, an unset service gets the program's name, and the ratio is checked with its sampler.
      if ["none", "unknown_service:<program>", "1.0"].contains(String(variable.defaultText)) { continue }
      #expect(messages(String(variable.name) + "=" + String(variable.defaultText)) == [])
    }
  }

  @Test func helpIsASentence() {
    for variable in EnvironmentVariable.table {
      let help = String(variable.help)
      #expect(help.hasSuffix(".") && !help.contains("\n"), "\(variable.name)")
    }
  }
}

@Suite struct RelayEnvironmentTests {
  @Test(arguments: ["PATH=/bin", "HOME=", "XDG_RUNTIME_DIR=/run", "https_proxy=http://p", "NO_PROXY=a", "SSL_CERT_FILE=/c", "OTEL_LOG_LEVEL=debug"])
  func keeps(_ entry: String) { #expect(isKept(entry)) }

  @Test(arguments: [
    "LD_PRELOAD=/a.so", "LD_LIBRARY_PATH=/lib", "LD_AUDIT=x", "OTEL_EXPORTER_OTLP_HEADERS=key=1", "HTTP_PROXY=http://attacker", "PATHS=/bin", "PATH",
    "=PATH", "AWS_SECRET_ACCESS_KEY=x", "SSLKEYLOGFILE=/tmp/keys", "MALLOC_CHECK_=3",
  ])
  func drops(_ entry: String) { #expect(!isKept(entry)) }

  private func isKept(_ entry: String) -> Bool {
    var entry = entry
    return entry.withUTF8 { RelayEnvironment.isKept(Text($0.baseAddress!, count: $0.count)) }
  }
}
