import OTelPrimitives
import Testing

@testable import OTelConfiguration

@Suite struct InstrumentationTests {
  private func enabled(_ entries: [String]) -> [String] {
    let bytes: [UInt8] = entries.flatMap { Array("OTEL_\($0)".utf8) + [0] } + [0]
    return bytes.withUnsafeBufferPointer { buffer in
      let environment = EnvironmentBlock(Text(buffer.baseAddress!, count: buffer.count - 1))
      return Instrumentation.allCases.filter { $0.isEnabled(in: environment) }.map { String($0.name) }
    }
  }

  @Test func allByDefault() { #expect(enabled([]) == Instrumentation.allCases.map { String($0.name) }) }

  @Test(arguments: [
    (["NATIVE_DISABLED_INSTRUMENTATIONS=Curl"], false, true), (["NATIVE_DISABLED_INSTRUMENTATIONS=*"], false, false),
    (["NATIVE_DISABLED_INSTRUMENTATIONS="], true, true), (["NATIVE_DISABLED_INSTRUMENTATIONS=other, ,"], true, true),
    (["NATIVE_ENABLED_INSTRUMENTATIONS= sockets "], false, true), (["NATIVE_ENABLED_INSTRUMENTATIONS=*"], true, true),
    (["NATIVE_ENABLED_INSTRUMENTATIONS=other"], true, true), (["NATIVE_ENABLED_INSTRUMENTATIONS="], true, true),
    (["NATIVE_ENABLED_INSTRUMENTATIONS=curl,sockets", "NATIVE_DISABLED_INSTRUMENTATIONS=sockets"], true, false),
    (["NATIVE_ENABLED_INSTRUMENTATIONS=*", "NATIVE_DISABLED_INSTRUMENTATIONS=*"], false, false),
    (["INSTRUMENTATION_COMMON_DEFAULT_ENABLED=false"], false, false), (["INSTRUMENTATION_COMMON_DEFAULT_ENABLED=TRUE"], true, true),
    (["INSTRUMENTATION_COMMON_DEFAULT_ENABLED=1"], false, false), (["INSTRUMENTATION_COMMON_DEFAULT_ENABLED="], true, true),
    (["INSTRUMENTATION_COMMON_DEFAULT_ENABLED=false", "INSTRUMENTATION_CURL_ENABLED=true"], true, false),
    (["INSTRUMENTATION_COMMON_DEFAULT_ENABLED=false", "NATIVE_ENABLED_INSTRUMENTATIONS=sockets"], false, true),
    (["INSTRUMENTATION_CURL_ENABLED=false"], false, true), (["INSTRUMENTATION_SOCKETS_ENABLED=yes"], true, false),
    (["INSTRUMENTATION_CURL_ENABLED=false", "NATIVE_ENABLED_INSTRUMENTATIONS=*"], false, true),
    (["INSTRUMENTATION_CURL_ENABLED=true", "NATIVE_ENABLED_INSTRUMENTATIONS=sockets"], false, true),
    (["INSTRUMENTATION_CURL_ENABLED=true", "NATIVE_DISABLED_INSTRUMENTATIONS=curl"], false, true),
  ] as [([String], Bool, Bool)])
  func precedence(_ entries: [String], _ curl: Bool, _ sockets: Bool) {
    let enabled = enabled(entries)
    #expect(enabled.contains("curl") == curl)
    #expect(enabled.contains("sockets") == sockets)
  }

  @Test func theTableNamesEachOfThem() {
    let names = EnvironmentVariable.table.map { String($0.name) }
    for instrumentation in Instrumentation.allCases {
      #expect(names.contains(String(instrumentation.switchVariable)))
      #expect(String(instrumentation.switchVariable) == "OTEL_INSTRUMENTATION_\(String(instrumentation.name).uppercased())_ENABLED")
    }
  }
}
