import OTelConfiguration
import OTelPrimitives
import OTelTestSupport
import Testing

@testable import OTelExport

@Suite struct OTLPHeadersTests {
  private func parse(_ text: String) -> (headers: [String], problems: [InvalidSetting]) {
    var problems: [InvalidSetting] = []
    let headers = withText(text) { OTLPHeaders.parse($0, variable: "OTEL_EXPORTER_OTLP_HEADERS", problems: &problems) }
    return (headers.map { "\($0.name)|\($0.value)" }, problems)
  }

  @Test(arguments: [
    ("api-key=abc,Authorization=Basic%20dXNlcjpwYXNz", ["api-key|abc", "Authorization|Basic dXNlcjpwYXNz"]),
    (" a = b , c\t=d ", ["a|b", "c|d"]),
    ("a=b=c==", ["a|b=c=="]),
    ("a=b+c", ["a|b+c"]),
    ("a=", ["a|"]),
    ("a=1,A=2", ["A|2"]),
    (",,a=b,", ["a|b"]),
    ("a=%C3%BC", ["a|ü"]),
    ("", []),
  ])
  func valid(_ text: String, _ headers: [String]) {
    #expect(parse(text).headers == headers)
    #expect(parse(text).problems.isEmpty)
  }

  @Test("A bad pair is left out, named by its number and never shown", arguments: [
    "hunter2", "=hunter2", "hun ter2=hunter2", "a=hunter2%0d%0aX: y", "a=hunter2%00", "a=hunter2%", "a=hunter2%2", "a=hunter2%zz", "a=hunter2%ff",
    "ä=hunter2", "a%=hunter2",
  ])
  func invalid(_ pair: String) {
    let (headers, problems) = parse("good=1,\(pair),also=2")
    #expect(headers == ["good|1", "also|2"])
    #expect(problems.count == 1)
    #expect(problems.first?.message.contains("entry 2") == true)
    #expect(problems.first?.description.contains("hunter2") == false)
  }

  @Test("Blank entries count, as for a user who looks for the bad one")
  func numbersEntriesAsTheyAreWritten() {
    #expect(parse("a=1,,bad").problems.map { $0.message.contains("entry 3 ") } == [true])
  }

  @Test func linesForLibcurl() {
    let headers = [OTLPHeader(name: "x", value: "1"), OTLPHeader(name: "empty", value: "")]
    #expect(OTLPHTTPExporter.lines(headers) == ["Content-Type: application/x-protobuf", "Expect:", "x: 1", "empty;"])
    #expect(OTLPHTTPExporter.lines([OTLPHeader(name: "content-type", value: "t")]) == ["Expect:", "content-type: t"])
  }
}
