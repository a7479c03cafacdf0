import OTelPrimitives
import OTelTestSupport
import Testing

@Suite struct HostAndPortTests {
  @Test(arguments: [
    ("shop.example", "shop.example", 0), ("shop:8080", "shop", 8080), ("::1", "::1", 0), ("[::1]", "::1", 0), ("[::1]:80", "::1", 80), ("h:65535", "h", 65535),
  ] as [(String, String, Int)])
  func valid(_ text: String, _ host: String, _ port: Int) throws {
    try withText(text) {
      let parsed = try #require(HostAndPort($0))
      #expect(parsed.host.string == host && parsed.port == port)
    }
  }

  @Test(arguments: ["", ":80", "h:", "h:0", "h:65536", "h:8a", "[]:80", "[::1]80", "[::1]:", "[::1]:x"]) func invalid(_ text: String) {
    withText(text) { #expect(HostAndPort($0) == nil) }
  }
}
