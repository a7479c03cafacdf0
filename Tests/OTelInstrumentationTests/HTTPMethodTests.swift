import OTelInstrumentation
import OTelTestSupport
import Testing

@Suite struct HTTPMethodTests {
  @Test(arguments: ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE", "QUERY"])
  func known(_ method: String) {
    #expect(withText(method) { HTTPMethod.isKnown($0) })
    #expect(!withText(method.lowercased()) { HTTPMethod.isKnown($0) })
    #expect(!withText(method + " ") { HTTPMethod.isKnown($0) })
    #expect(!withText(method.dropLast().utf8) { HTTPMethod.isKnown($0) })
  }

  @Test(arguments: ["", "FOO", "PROPFIND", "GETT", "get", "Get"]) func unknown(_ method: String) { #expect(!withText(method) { HTTPMethod.isKnown($0) }) }
}
