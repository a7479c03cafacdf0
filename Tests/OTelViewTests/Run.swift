import OTLPWire

@testable import OTelView

/// A run of one second that began at 1,000 s, made of spans.
struct Run {
  static let start: UInt64 = 1_000_000_000_000
  static let trace = ViewedSpan.TraceID(high: 0x4bf9_2f35_77b3_4da6, low: 0xa3ce_929d_0e0e_4736)

  var summary = RunSummary(command: "deploy", ending: .exited(0), start: start, end: start + 1_000_000_000)
  var spans = SpanCollection()

  /// - Parameters: times in milliseconds after the run's beginning.
  mutating func add(
    _ name: String, id: UInt64, parent: UInt64 = 0, trace: ViewedSpan.TraceID = trace, from: UInt64, to: UInt64, process: Int = 0,
    isError: Bool = false, flags: UInt32 = 0x101, _ attributes: [String: String] = [:]
  ) {
    var span = ViewedSpan()
    (span.traceID, span.spanID, span.parentSpanID, span.name, span.flags) = (trace, id, parent, name, flags)
    (span.start, span.end) = (Run.start + from * 1_000_000, Run.start + to * 1_000_000)
    (span.isError, span.attributes) = (isError, attributes)
    spans.add(span, process: process)
  }

  mutating func process(_ executable: String, _ id: Int, service: String? = nil) -> Int {
    spans.add(ViewedProcess(processID: id, serviceName: service, executableName: executable))
  }

  func text(width: Int, isColoured: Bool = false, isUnicode: Bool = true) -> String {
    TraceView(summary, spans, style: TerminalStyle(width: width, isColoured: isColoured, isUnicode: isUnicode)).text
  }

  /// Two programs below a caller, a trace of its own, an error.
  static var usual: Run {
    var run = Run()
    let first = run.process("curl", 41)
    let second = run.process("curl", 42)
    let git = run.process("git-remote-http", 43)
    run.add("GET", id: 2, parent: 0xf067_aa0b_a902_b7, from: 100, to: 400, process: first, flags: 0x301, http("https://example.com/releases/latest.json", 200))
    run.add("POST", id: 3, parent: 0xf067_aa0b_a902_b7, from: 500, to: 900, process: second, isError: true, flags: 0x301, http("https://example.com/upload?token=REDACTED", 503))
    run.add("GET", id: 4, parent: 3, from: 600, to: 700, process: git, http("https://git.example.com/organisation/repository.git/info/refs?service=git-upload-pack", 200))
    run.add("socket connect 10.0.0.7:443", id: 5, parent: 4, from: 610, to: 615, process: git, ["network.peer.address": "10.0.0.7", "network.peer.port": "443"])
    run.add("socket connect", id: 6, parent: 3, from: 880, to: 890, process: second, isError: true, ["error.type": "ECONNREFUSED", "network.peer.address": "::1", "network.peer.port": "80"])
    run.add("GET", id: 7, trace: ViewedSpan.TraceID(high: 1, low: 1), from: 0, to: 50, process: first, http("http://localhost/", 204))
    return run
  }

  static func http(_ url: String, _ status: Int) -> [String: String] {
    var attributes = ["url.full": url, "http.response.status_code": String(status)]
    if status >= 400 { attributes["error.type"] = String(status) }
    return attributes
  }
}
