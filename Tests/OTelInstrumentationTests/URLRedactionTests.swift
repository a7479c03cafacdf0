import OTelPrimitives
import OTelTestSupport
import Testing

@testable import OTelInstrumentation

@Suite struct URLRedactionTests {
  /// What is written, and the host in it.
  private func redacted(_ url: String, capacity: Int = 4096) throws -> (url: String, address: String) {
    try withText(url) { text in
      let parts = try #require(RequestURL(text))
      var output = [UInt8](repeating: 0x21, count: capacity + 16)
      let written = output.withUnsafeMutableBufferPointer { URLRedaction.write(parts, to: $0.baseAddress!, capacity: capacity) }
      #expect(written.count <= capacity)
      #expect(output[written.count...].allSatisfy { $0 == 0x21 })
      let address = output[..<written.count].dropFirst(written.hostStart).prefix(parts.serverAddress.count)
      return (String(decoding: output[..<written.count], as: UTF8.self), String(decoding: address, as: UTF8.self))
    }
  }

  @Test(arguments: [
    ("http://h/", "http://h/"), ("http://h", "http://h"), ("h/p", "http://h/p"), ("", "http://"), ("HTTP://H/%7e?Q=%20+", "HTTP://H/%7e?Q=%20+"),
    ("http://user:pw@h/", "http://REDACTED:REDACTED@h/"), ("http://user@h/", "http://REDACTED@h/"), ("http://:pw@h/", "http://REDACTED:REDACTED@h/"),
    ("http://a@b:c@h:81/p", "http://REDACTED:REDACTED@h:81/p"), ("user:pw@h", "http://REDACTED:REDACTED@h"), ("http://h/@me", "http://h/@me"),
    ("http://u:p@[::1]:81/?sig=x", "http://REDACTED:REDACTED@[::1]:81/?sig=REDACTED"), ("http:/u:p@h/", "http:/REDACTED:REDACTED@h/"),
    ("http:///u:p@h/", "http:///REDACTED:REDACTED@h/"), ("//u:p@h/", "http:////REDACTED:REDACTED@h/"), (" \thttp://u:p@h/", "http://REDACTED:REDACTED@h/"), (" u:p@h", "http://REDACTED:REDACTED@h"),
    ("http://u:p\\w@h/", "http://REDACTED:REDACTED@h/"),
    ("https://www.example.com/path?color=blue&sig=AAA", "https://www.example.com/path?color=blue&sig=REDACTED"),
    ("http://h?sig=1", "http://h?sig=REDACTED"), ("http://h/?sig=1#f", "http://h/?sig=REDACTED#f"), ("http://h/?a=1&sig=&b=2", "http://h/?a=1&sig=&b=2"),
    ("http://h/?sig", "http://h/?sig"), ("http://h/?sig&token", "http://h/?sig&token"), ("http://h/?=sig", "http://h/?=sig"),
    ("http://h/?sig=a=b=c&x=1", "http://h/?sig=REDACTED&x=1"), ("http://h/?sig=1&sig=2", "http://h/?sig=REDACTED&sig=REDACTED"),
    ("http://h/?&&sig=1&", "http://h/?&&sig=REDACTED&"), ("http://h/?a;b;sig=1", "http://h/?a;b;sig=REDACTED"),
    // A secret may hold ";", "?" and "/": it ends at "&" and "#" only.
    ("http://h/?token=a;b?c/d&x=1", "http://h/?token=REDACTED&x=1"), ("http://h/?token=a;b=c", "http://h/?token=REDACTED"),
    ("http://h/?x=1;token=a;y=2&z=3", "http://h/?x=1;token=REDACTED&z=3"), ("http://h/?a?token=x", "http://h/?a?token=REDACTED"),
    ("http://h/?u=http://o/?token=x&y=1", "http://h/?u=http://o/?token=REDACTED&y=1"),
    ("http://h/#f", "http://h/#f"), ("http://h/#f?x", "http://h/#f?x"), ("http://h/p#access_token=x&state=y", "http://h/p#access_token=REDACTED&state=y"),
    ("http://h/#/route?token=x", "http://h/#/route?token=REDACTED"), ("http://h/token=x", "http://h/token=x"), ("http://h/#", "http://h/#"),
    ("http://h/?", "http://h/?"), ("http://h/?#", "http://h/?#"), ("http://h/?&", "http://h/?&"),
  ])
  func table(_ url: String, _ expected: String) throws {
    let result = try redacted(url)
    #expect(result.url == expected)
    // Redacting again changes nothing.
    let again = try redacted(result.url).url
    #expect(again == expected)
    try withText(url) { text in
      let parts = try #require(RequestURL(text))
      #expect(result.address == parts.serverAddress.string)
    }
  }

  private static let conventional = [
    "X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token", "AWSAccessKeyId", "Signature", "sig", "X-Goog-Signature",
  ]
  private static let looksSecret = [
    "token", "access_token", "key", "api_key", "password", "passwd", "secret", "code", "session", "sessionid", "session_id", "jwt", "auth",
  ]

  /// What a server decodes first is decoded here too; twice it decodes nothing.
  @Test(arguments: [
    ("to%6ben=x", "to%6ben=REDACTED"), ("TO%4BEN=x", "TO%4BEN=REDACTED"), ("%74%6f%6B%65%6e=x&a=b", "%74%6f%6B%65%6e=REDACTED&a=b"),
    ("%73ig=x", "%73ig=REDACTED"), ("%53ig=x", "%53ig=x"), ("X-Amz-Security-Toke%6E=x", "X-Amz-Security-Toke%6E=REDACTED"), ("X-Amz-Security-Tokens%2e=x", "X-Amz-Security-Tokens%2e=x"),
    ("sess%69on%5Fid%20of%20somebody%20with%20a%20long%20name=x", "sess%69on%5Fid%20of%20somebody%20with%20a%20long%20name=REDACTED"),
    ("to%256ben=x", "to%256ben=x"), ("token%=x", "token%=x"), ("token%6=x", "token%6=x"), ("to%6xen=x", "to%6xen=x"), ("%=x", "%=x"), ("%7=%7", "%7=%7"),
    ("token%00=x", "token%00=x"),
  ])
  func percentEncodedKey(_ query: String, _ expected: String) throws {
    #expect(try redacted("http://h/?" + query).url == "http://h/?" + expected)
    #expect(try redacted("http://h/?" + expected).url == "http://h/?" + expected)
  }

  /// The list of the semantic conventions: case counts.
  @Test(arguments: conventional) func conventionalKey(_ key: String) throws {
    #expect(try redacted("http://h/?a=b&\(key)=x&c=d").url == "http://h/?a=b&\(key)=REDACTED&c=d")
    #expect(try redacted("http://h/?\(key.uppercased())=x").url == "http://h/?\(key.uppercased())=x")
    #expect(try redacted("http://h/?x\(key)=x").url == "http://h/?x\(key)=x")
  }

  @Test(arguments: looksSecret) func secretLookingKey(_ key: String) throws {
    for spelling in [key, key.uppercased(), key.prefix(1).uppercased() + key.dropFirst()] {
      #expect(try redacted("http://h/?\(spelling)=x").url == "http://h/?\(spelling)=REDACTED")
    }
  }

  @Test(arguments: ["keys", "monkey", "codec", "tokens", "author", "sessio", "signature", "SIG", "passphrase2", "x", "page"]) func otherKey(_ key: String) throws {
    #expect(try redacted("http://h/?\(key)=x").url == "http://h/?\(key)=x")
  }

  @Test func everyCapacityLeavesSecretsOut() throws {
    let url = "https://CANARYuser:CANARYpw@example.com:81/path?color=blue&sig=CANARYsig&token=CANARY;CANARY?x&b=c#access_token=CANARYt&e=f"
    let whole = try redacted(url).url
    #expect(whole == "https://REDACTED:REDACTED@example.com:81/path?color=blue&sig=REDACTED&token=REDACTED&b=c#access_token=REDACTED&e=f")
    for capacity in 0...whole.utf8.count + 1 {
      let cut = try redacted(url, capacity: capacity).url
      #expect(cut == String(whole.prefix(capacity)))
    }
  }

  @Test(arguments: 0..<20 as Range<UInt64>) func noCanarySurvives(_ seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let canary = "C4n4ry"
    func pick(_ choices: [String]) -> String { choices.randomElement(using: &generator)! }
    // What a value may hold: nothing that ends it.
    func secret(without excluded: String) -> String {
      let alphabet = "aZ09-._~!$'()*+,;=:@/?%[]\\{}|^` \"<>#&".filter { !excluded.contains($0) }
      let before = (0..<Int.random(in: 0...6, using: &generator)).map { _ in alphabet.randomElement(using: &generator)! }
      let after = (0..<Int.random(in: 0...6, using: &generator)).map { _ in alphabet.randomElement(using: &generator)! }
      return String(before) + canary + String(after)
    }
    for _ in 0..<500 {
      var url = pick(["http://", "https://", "HTTP://", "", "http:/", "https:///", " http://", "//"])
      if Bool.random(using: &generator) {
        // Without a scheme, "x:/" at the beginning would be one.
        let user = secret(without: "/?#:")
        url += user + pick(["", ":" + secret(without: "/?#")]) + "@"
      }
      url += pick(["h", "example.com", "[::1]", "10.0.0.1"]) + pick(["", ":80", ":", ":x"])
      url += pick(["", "/", "/a/b", "/@x", "/a=b;c"])
      for mark in ["?", "#"] where Bool.random(using: &generator) {
        url += mark
        for _ in 0..<Int.random(in: 0...4, using: &generator) {
          let plain = pick(["a=b", "x", "=", "", "y=?", "z=;", "q=a?b"])
          let key = pick(Self.conventional + Self.looksSecret + ["PASSWORD", "Session-Id", "Client_Secret"])
          url += pick([plain, "\(key)=\(secret(without: "&#"))"]) + "&"
        }
      }
      let capacity = Int.random(in: 0...400, using: &generator)
      guard withText(url, { RequestURL($0) != nil }) else { continue }
      let result = try redacted(url, capacity: capacity).url
      #expect(!result.contains(canary), "\(url)")
      let whole = try redacted(url).url
      #expect(try redacted(whole).url == whole, "\(url)")
    }
  }
}
