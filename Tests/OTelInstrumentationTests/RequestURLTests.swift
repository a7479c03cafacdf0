import OTelInstrumentation
import OTelPrimitives
import OTelTestSupport
import Testing

@Suite struct RequestURLTests {
  struct Row: CustomTestStringConvertible {
    let url: String
    let address: String
    let port: Int
    let isSecure: Bool
    var testDescription: String { url.isEmpty ? "(empty)" : url }

    init(_ url: String, _ address: String, _ port: Int = 80, secure: Bool = false) { (self.url, self.address, self.port, isSecure) = (url, address, port, secure) }
  }

  @Test(arguments: [
    Row("http://example.com/", "example.com"), Row("http://example.com", "example.com"), Row("https://example.com/a?b=c#d", "example.com", 443, secure: true),
    Row("HTTPS://EXAMPLE.com/", "EXAMPLE.com", 443, secure: true), Row("http://example.com:8080/x", "example.com", 8080),
    Row("https://example.com:80", "example.com", 80, secure: true), Row("http://h:65535/", "h", 65535),
    // Without a scheme libcurl takes http.
    Row("example.com/path", "example.com"), Row("example.com:81/path", "example.com", 81), Row("user:pw@example.com:81/", "example.com", 81),
    Row("localhost", "localhost"), Row("127.0.0.1:8080", "127.0.0.1", 8080), Row("http:80/x", "http", 80),
    // Userinfo ends at the last "@" of the authority.
    Row("http://u@h/", "h"), Row("http://u:p@h:81/", "h", 81), Row("http://u:p@ss@h/", "h"), Row("http://u:80@h/", "h"), Row("http://@h/", "h"),
    Row("http://:@h/", "h"), Row("http://h/@x", "h"), Row("http://h?@x", "h"), Row("http://h#@x", "h"), Row("http://u:[p]@h/", "h"),
    // For libcurl a backslash is a byte of the authority.
    Row("http://u:p\\q@h/", "h"), Row("http://h\\@evil/", "evil"),
    Row("http://[::1]/", "::1"), Row("http://[::1]:8080/", "::1", 8080), Row("http://u:p@[fe80::1%25eth0]:81/", "fe80::1%25eth0", 81),
    Row("[::1]:81/", "::1", 81), Row("http://[::1", "["), Row("http://[::1]x:81/", "::1"), Row("http://[]/", ""), Row("http://[/]", "["),
    // What is no port is the scheme's.
    Row("http://h:/", "h"), Row("http://h:0/", "h"), Row("http://h:65536/", "h"), Row("http://h:99999999999999999999999/", "h"), Row("http://h:80x/", "h"),
    Row("https://h:x/", "h", 443, secure: true), Row("http://h:-1/", "h"), Row("http://h:+81/", "h"), Row("http://h:00081/", "h", 81), Row("http://h:1:2/", "h"),
    Row("", ""), Row("/", ""), Row("?", ""), Row("#", ""), Row(":", ""), Row("@", ""), Row("http://", ""), Row("http:///", ""), Row("http://?q", ""),
    Row("http://h?q=1", "h"), Row("http://h#f", "h"), Row("http://:81/", "", 81),
    // One slash or three are as good as two (libcurl, urlapi.c), and more do not make a password part of a path.
    Row("http:/u:p@h:81/", "h", 81), Row("http:///u:p@h/", "h"), Row("http://////u:p@h/", "h"), Row("//u:p@h/", "h"), Row(" http://u:p@h/", "h"),
    Row("\t\nhttps://u:p@h/", "h", 443, secure: true), Row(" u:p@h", "h"),
    Row("ws://h/", "h"), Row("WSS://h", "h", 443, secure: true),
    Row("1http.x", "1http.x"), Row("ftpx.example.com", "ftpx.example.com"), Row("http://ftp.example.com/", "ftp.example.com"),
  ])
  func parts(_ row: Row) throws {
    try withText(row.url) { text in
      let url = try #require(RequestURL(text))
      #expect(url.serverAddress.string == row.address)
      #expect(url.serverPort == row.port)
      #expect(url.isSecure == row.isSecure)
    }
  }

  @Test(arguments: [
    "ftp://h/", "file:///etc/passwd", "file:/etc/passwd", "FILE:///x", "gopher://h", "wsss://h/", "httpss://h/", "htt://h", "http+unix://h/", "dict://h",
    // Guessed by the host's name, CURLOPT_URL(3).
    "ftp.example.com", "FTP.example.com/x", "dict.x", "ldap.x", "imap.x:81", "smtp.x", "pop3.x", "u:p@ftp.example.com",
  ])
  func noHTTP(_ url: String) { #expect(withText(url) { RequestURL($0) } == nil) }

  @Test(arguments: [("http://h", true), ("http:/h", true), ("h", false), ("h:80", false), ("", false), ("//h", false)])
  func scheme(_ url: String, _ hasScheme: Bool) throws {
    try withText(url) { text in
      let parts = try #require(RequestURL(text))
      #expect(parts.hasScheme == hasScheme)
    }
  }

  @Test func veryLong() throws {
    let host = String(repeating: "h", count: 70_000)
    try withText("http://\(host):8080/" + String(repeating: "p", count: 70_000)) { text in
      let url = try #require(RequestURL(text))
      #expect(url.serverAddress.count == host.count && url.serverPort == 8080)
    }
  }

  @Test(arguments: 0..<20 as Range<UInt64>) func anyBytesHaveParts(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let alphabet = Array("http:s//[]@?#&;=\\.%0189 aZ\u{ff}\t\0\n".utf8)
    for _ in 0..<1000 {
      var bytes = (0..<Int.random(in: 0...30, using: &generator)).map { _ in alphabet.randomElement(using: &generator)! }
      if Bool.random(using: &generator) { bytes = Array("http://".utf8) + bytes }
      withText(bytes) { text in
        guard let url = RequestURL(text) else { return }
        #expect((1...65535).contains(url.serverPort))
        #expect(url.serverAddress.start >= text.start && url.serverAddress.start + url.serverAddress.count <= text.start + text.count)
      }
    }
  }
}
