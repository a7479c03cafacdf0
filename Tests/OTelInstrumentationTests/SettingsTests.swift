import OTelPrimitives
import OTelTestSupport
import Testing

@testable import OTelInstrumentation

@Suite struct SettingsTests {
  private let settings = Settings()

  // MARK: Methods

  @Test func knownMethodsAreReplacedAsAWhole() {
    settings.pointer.pointee.knownMethods = settings.text("PROPFIND, get")
    #expect(settings.pointer.pointee.isKnown(method: Text("GET")) && !settings.pointer.pointee.isKnown(method: Text("PROPFIND")))
    settings.pointer.pointee.features = InstrumentationSettings.Feature.knownMethods
    for (method, isKnown) in [("PROPFIND", true), ("get", true), ("GET", false), ("propfind", false), ("", false)] {
      #expect(withText(method) { settings.pointer.pointee.isKnown(method: $0) } == isKnown)
    }
  }

  // MARK: URLs

  @Test func excludedURLs() {
    settings.add("^http://h:8\\d+/", to: settings.pointer.pointee.excludedURLs, InstrumentationSettings.Feature.excludedURLs)
    settings.add("health", to: settings.pointer.pointee.excludedURLs, InstrumentationSettings.Feature.excludedURLs)
    let expected = [
      ("http://h:80/", true), ("h:81/x", true), ("https://h:80/", false), ("https://x/?q=health", true), ("http://x/Health", false), ("http://u:p@h:80/", false),
    ]
    for (url, isExcluded) in expected {
      #expect(withText(url) { RequestURL($0).map { settings.pointer.pointee.excludes($0) } } == isExcluded, "\(url)")
    }
  }

  private func redacted(_ url: String, keys: String?) -> String {
    withText(url) { text in
      withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 512) { buffer in
        let written = URLRedaction.write(RequestURL(text)!, to: buffer.baseAddress!, capacity: 512, keys: keys.map { settings.text($0) })
        return Text(buffer.baseAddress!, count: written.count).string
      }
    }
  }

  @Test(arguments: [
    ("foo", "http://h/?foo=1&sig=2&token=3", "http://h/?foo=REDACTED&sig=2&token=3"), ("foo, sig", "http://h/?foo=1&sig=2", "http://h/?foo=REDACTED&sig=REDACTED"),
    ("foo", "http://h/?Foo=1&%66oo=2&fo=3&fooo=4", "http://h/?Foo=1&%66oo=REDACTED&fo=3&fooo=4"), ("foo", "http://u:p@h/?foo=", "http://REDACTED:REDACTED@h/?foo="),
  ])
  func listedKeysAreTheSecretOnes(_ keys: String, _ url: String, _ expected: String) { #expect(redacted(url, keys: keys) == expected) }

  @Test func withoutAListTheKnownOnesAre() { #expect(redacted("http://h/?foo=1&sig=2&token=3", keys: nil) == "http://h/?foo=1&sig=REDACTED&token=REDACTED") }

  // MARK: Services

  @Test(arguments: [
    ("shop.example", 443, "shop"), ("SHOP.example", 80, "shop"), ("shop.example", 8443, "staging"), ("::1", 80, "local"), ("::1", 81, "six"), ("other", 80, nil),
    ("broken", 80, nil), ("spaced", 1, "a b"),
  ] as [(String, Int, String?)])
  func peerServices(_ host: String, _ port: Int, _ expected: String?) {
    let list = "shop.example=shop, shop.example:8443 = staging,::1=local,[::1]:81=six,broken,broken=,=x,broken:x=y,spaced=a b,shop.example=second"
    withText(list) { list in
      #expect(withText(host) { PeerServices(list).name(of: $0, port: port)?.string } == expected)
    }
  }

  // MARK: Headers

  @Test func selectedNames() {
    var selection = settings.pointer.pointee.requestHeaders
    selection.names = settings.text("Content-Type,x-a, X-A ,,bad name,\(String(repeating: "n", count: 97)),x-b")
    var names: [String] = []
    selection.forEachName { names.append($0.string) }
    #expect(names == ["Content-Type", "x-a", "x-b"])
  }

  @Test func selectedPatterns() {
    settings.add("x-.*", to: settings.pointer.pointee.requestHeaders.patterns, InstrumentationSettings.Feature.requestHeaders)
    var selection = settings.pointer.pointee.requestHeaders
    selection.names = settings.text("x-named")
    for (name, isMatched) in [("X-A", true), ("x-", true), ("x-named", false), ("ax-b", false), ("x-é", false), ("x- b", false), ("x-" + String(repeating: "n", count: 95), false)] {
      #expect(withText(name) { selection.matches($0) } == isMatched, "\(name)")
    }
  }

  @Test(arguments: [
    ("authorization", true, true), ("proxy-authorization", true, true), ("cookie", true, true), ("set-cookie", true, true), ("x-api-key", true, false),
    ("x-api-key", false, true), ("x-auth-token", false, true), ("content-type", false, false), ("x-internal", true, true), ("content-length", true, false),
  ])
  func secretHeaders(_ name: String, _ isNamed: Bool, _ isSecret: Bool) {
    settings.add("intern", to: settings.pointer.pointee.redactedHeaders, 0)
    #expect(withText(name) { HeaderSecrecy.isSecret($0, isNamed: isNamed, redacted: settings.pointer.pointee.redactedHeaders) } == isSecret)
  }

  @Test(arguments: [
    ("https://u:CANARY@h/x?sig=CANARY&a=b#t", "https://REDACTED:REDACTED@h/x?sig=REDACTED&a=b#t"), ("/x?sig=CANARY&a=b", "/x?sig=REDACTED&a=b"), ("x/y", "x/y"),
    ("//u:CANARY@h/x", "//REDACTED:REDACTED@h/x"), ("?code=CANARY", "?code=REDACTED"), ("", ""), ("ftp://u:CANARY@h/", "ftp://REDACTED:REDACTED@h/"),
  ])
  func headersThatAreURLs(_ value: String, _ expected: String) {
    let found = withText(value) { text in
      withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 512) { buffer in
        let count = HeaderSecrecy.writeURL(text, to: buffer.baseAddress!, capacity: 512, keys: nil)
        return Text(buffer.baseAddress!, count: count).string
      }
    }
    #expect(found == expected)
  }
}
