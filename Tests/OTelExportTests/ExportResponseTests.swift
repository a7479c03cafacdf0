import OTLPWire
import Testing

@testable import OTelExport

@Suite struct ExportResponseTests {
  private func partial(_ rejected: UInt64, _ message: String) -> [UInt8] {
    var builder = MessageBuilder()
    builder.append(field: 1) {
      $0.append(field: 1, varint: rejected)
      $0.append(field: 2, string: message)
    }
    return builder.bytes
  }

  @Test func partialSuccess() {
    let response = ExportResponse(success: partial(3, "too old"))
    #expect(response.rejectedSpans == 3)
    #expect(response.message == "too old")
  }

  @Test("What is no response is full success", arguments: [[], [0xff], Array("<html>".utf8), [0x0a, 0x7f], [0x0a, 0x02, 0x08]] as [[UInt8]])
  func unreadable(_ body: [UInt8]) {
    #expect(ExportResponse(success: body) == ExportResponse())
  }

  @Test func hostileNumbersAndText() {
    #expect(ExportResponse(success: partial(.max, "")).rejectedSpans == 0)  // -1
    let response = ExportResponse(success: partial(1, "a\r\nb\u{1b}[31m" + String(repeating: "x", count: 10_000)))
    #expect(response.message.utf8.count <= 256)
    #expect(response.message.hasPrefix("a  b [31m"))
  }

  /// U+009B begins a terminal's command as "ESC [" does. A byte that is no UTF-8 becomes three.
  @Test("Words of a collector are one line, and short", arguments: [[0xc2, 0x9b, 0x33, 0x31, 0x6d], [0xe2, 0x80, 0xa8], [0xe2, 0x80, 0xae], [UInt8](repeating: 0xff, count: 300)] as [[UInt8]])
  func hostileWords(_ words: [UInt8]) {
    let message = ExportResponse(failure: [0xff] + words).message
    #expect(message.utf8.count <= 256)
    for scalar in message.unicodeScalars {
      #expect(scalar.value >= 0x20 && !(0x7f..<0xa0).contains(scalar.value) && !(0x2028...0x202e).contains(scalar.value))
    }
  }

  @Test func failureTexts() {
    var status = MessageBuilder()
    status.append(field: 1, varint: 3)
    status.append(field: 2, string: "bad span")
    #expect(ExportResponse(failure: status.bytes).message == "bad span")
    #expect(ExportResponse(failure: Array("Not here".utf8)).message == "Not here")
    #expect(ExportResponse(failure: []).message == "")
  }
}
