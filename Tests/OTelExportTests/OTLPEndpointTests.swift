import OTelPrimitives
import OTelTestSupport
import Testing

@testable import OTelExport

@Suite struct OTLPEndpointTests {
  @Test("A signal's URL is used as it is", arguments: [
    ("http://c:4318", "http://c:4318/"),
    ("http://c:4318/", "http://c:4318/"),
    ("http://c:4318/v1/traces", "http://c:4318/v1/traces"),
    ("http://c:4318/v1/traces/", "http://c:4318/v1/traces/"),
    ("https://c/x?tenant=1", "https://c/x?tenant=1"),
    ("HTTP://c", "http://c/"),
    (" http://c:4318/a \t", "http://c:4318/a"),
    ("http://[::1]:4318/a", "http://[::1]:4318/a"),
    ("http://c/a#fragment", "http://c/a"),
  ])
  func signal(_ value: String, _ url: String) {
    #expect(withText(value) { OTLPEndpoint(signal: $0) }?.url == url)
  }

  @Test("The common URL gets the signal's path behind its own", arguments: [
    ("http://c:4318", "http://c:4318/v1/traces"),
    ("http://c:4318/", "http://c:4318/v1/traces"),
    ("http://c:4318/my", "http://c:4318/my/v1/traces"),
    ("http://c:4318/my/", "http://c:4318/my/v1/traces"),
    ("https://c", "https://c/v1/traces"),
    ("http://c?x=1", "http://c/v1/traces"),
  ])
  func base(_ value: String, _ url: String) {
    #expect(withText(value) { OTLPEndpoint(base: $0, appending: "v1/traces") }?.url == url)
  }

  @Test(arguments: [
    "", "localhost:4318", "c", "http://", "http:///v1", "http://:4318", "http://c:", "http://c:0", "http://c:65536", "http://c:4318x", "ftp://c", "grpc://c:4317",
    "http://c d", "http://c\r\nX: y", "http://[::1", "http://[::1]4318", "unix:/x", "http://ü",
  ])
  func invalid(_ value: String) {
    #expect(withText(value) { OTLPEndpoint(signal: $0) } == nil)
  }

  @Test func userInformationIsSentAndNotShown() {
    let endpoint = withText("https://user:secret@c:1/p?key=secret") { OTLPEndpoint(signal: $0) }
    #expect(endpoint?.url == "https://user:secret@c:1/p?key=secret")
    #expect(endpoint?.displayURL == "https://c:1/p")
    #expect(endpoint?.isSecure == true)
  }

  @Test func defaultIsTheSpecifications() {
    #expect(OTLPEndpoint.defaultTraces.url == "http://localhost:4318/v1/traces")
  }
}
