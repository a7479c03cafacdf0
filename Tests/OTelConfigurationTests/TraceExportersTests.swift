import OTelPrimitives
import OTelTestSupport
import Testing

@testable import OTelConfiguration

@Suite struct TraceExportersTests {
  @Test(arguments: [
    // value, otlp, console
    ("otlp", true, false), ("console", false, true), ("none", false, false), ("otlp,console", true, true), (" Console , OTLP ", true, true),
    ("console,console,,", false, true), ("none,console", false, true), ("none,otlp", true, false), ("none,none", false, false),
    // Unknown names are left out; the default is for a list with nothing in it.
    ("zipkin,console", false, true), ("zipkin", true, false), ("otlp/stdout,logging", true, false), ("none,zipkin", false, false), (" , ", true, false),
    ("consol", true, false), ("consoles", true, false),
  ])
  func list(_ value: String, _ otlp: Bool, _ console: Bool) {
    let exporters = withText(value) { TraceExporters($0) }
    #expect((exporters.otlp, exporters.console) == (otlp, console))
  }

  @Test func unset() { #expect(TraceExporters(nil).otlp && !TraceExporters(nil).console) }
}
