import OTLPWire
import Testing

@testable import OTelView

@Suite struct ViewedSpanTests {
  private func message(_ change: (inout MessageBuilder) -> Void = { _ in }) -> [UInt8] {
    var builder = MessageBuilder()
    builder.append(field: 1, bytes: [0x4b] + [UInt8](repeating: 0, count: 14) + [1])
    builder.append(field: 2, bytes: [0, 0, 0, 0, 0, 0, 1, 2])
    builder.append(field: 5, string: "socket connect")
    builder.append(field: 7, fixed64: 100)
    change(&builder)
    return builder.bytes
  }

  private func span(_ bytes: [UInt8]) -> ViewedSpan? { bytes.withUnsafeBytes { ViewedSpan($0) } }

  @Test func fields() throws {
    let found = try #require(
      span(
        message {
          $0.append(field: 4, bytes: [0xff, 0, 0, 0, 0, 0, 0, 0])
          $0.append(field: 5, string: "socket connect [::1]:80")
          $0.append(field: 8, fixed64: 150)
          $0.append(field: 9, attribute: "url.full", "http://h/")
          $0.append(field: 9, attribute: "http.response.status_code", 404)
          $0.append(field: 15) { status in
            status.append(field: 2, string: "no")
            status.append(field: 3, varint: 2)
          }
          $0.append(raw: [0x85, 0x01, 0x01, 0x03, 0, 0])
        }))
    #expect(found.traceID == ViewedSpan.TraceID(high: 0x4b << 56, low: 1))
    #expect((found.spanID, found.parentSpanID) == (0x0102, 0xff << 56))
    #expect(found.name == "socket connect [::1]:80", "the last of two")
    #expect(found.duration == 50)
    #expect(found.attributes == ["url.full": "http://h/", "http.response.status_code": "404"])
    #expect(found.isError && found.statusMessage == "no")
    #expect(found.flags == 0x301)
  }

  @Test func whatIsNoSpan() {
    #expect(span([]) == nil)
    #expect(span([0xff]) == nil)
    #expect(span(message { $0.append(raw: [0x0a]) }) == nil)
    #expect(span(message())?.duration == 0, "without an end")
  }

  @Test func whatIsLongIsCut() throws {
    let long = String(repeating: "ü", count: 40_000)
    let found = try #require(span(message { $0.append(field: 5, string: long); $0.append(field: 9, attribute: "k", long) }))
    #expect(found.name.utf8.count <= ViewedSpan.longestText + 3)
    #expect((found.attributes["k"] ?? "").utf8.count <= ViewedSpan.longestText + 3)
  }

  @Test func traceParent() {
    #expect(ViewedSpan.traceParent(.init(high: 1, low: 2), span: 3, flags: 0x301) == "00-00000000000000010000000000000002-0000000000000003-01")
  }

  @Test func processesAreNamedSoThatTheyCanBeTold() {
    func process(_ executable: String, _ id: Int, _ service: String? = nil) -> ViewedProcess {
      ViewedProcess(processID: id, serviceName: service, executableName: executable)
    }
    #expect(ViewedProcess.labels([process("curl", 1)]) == ["curl"])
    #expect(ViewedProcess.labels([process("curl", 1), process("curl", 2), process("git", 3)]) == ["curl[1]", "curl[2]", "git"])
    #expect(ViewedProcess.labels([process("python3", 1, "shop"), process("curl", 2)]) == ["shop", "curl"])
    #expect(ViewedProcess.labels([process("python3", 1, "shop"), process("curl", 2, "shop")]) == ["python3", "curl"])
  }
}
