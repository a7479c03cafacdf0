import OTelPrimitives
import OTelTestSupport
import Testing

@testable import OTelConfiguration

@Suite struct ValueParserTests {
  @Test(arguments: [("true", true), ("TRUE", true), (" false\t", false)])
  func boolean(_ text: String, _ value: Bool) { #expect(withText(text) { ValueParser.boolean($0) } == value) }

  @Test(arguments: ["1", "0", "yes", "on", "t", "", "truee"])
  func notBoolean(_ text: String) { #expect(withText(text) { ValueParser.boolean($0) } == nil) }

  @Test(arguments: ["-1", "+1", "5s", "1e3", "0x10", "", " ", "2147483648", "99999999999999999999", "1 2"])
  func notInteger(_ text: String) { #expect(withText(text) { ValueParser.integer($0) } == nil) }

  // In units of 2^-56.
  @Test(arguments: [
    ("0", 0), ("1", 1 << 56), ("1.0", 1 << 56), ("0.5", 1 << 55), (".25", 1 << 54), ("5e-1", 1 << 55), ("0.1", 7_205_759_403_792_793 as UInt64),
    ("0.00000000000000000000000001", 0), ("1e-400", 0),
  ])
  func probability(_ text: String, _ value: UInt64) { #expect(withText(text) { ValueParser.probability($0) } == value) }

  @Test(arguments: ["2", "1.0000001", "-0.1", "", ".", "e", "1e", "0,5", "nan", "inf", "1e5", "0.5.5", "1e99999999999", "1e 0", "1e- 3"])
  func notProbability(_ text: String) { #expect(withText(text) { ValueParser.probability($0) } == nil) }
}

@Suite struct ListTests {
  private func items(_ text: String) -> [String] {
    withText(text) { text in
      var result: [String] = []
      var items = ListItems(text)
      while let item = items.next() { result.append(String(item)) }
      return result
    }
  }

  @Test func leavesOutWhatIsBlank() {
    #expect(items("a, b ,,c,") == ["a", "b", "c"])
    #expect(items("") == [])
    #expect(items(" , ,") == [])
  }

  private func members(_ text: String) -> [String] {
    withText(text) { text in
      var result: [String] = []
      var members = KeyValueList(text)
      while let member = members.next() {
        switch member {
        case .pair(let key, let value): result.append("\(String(key))=\(String(value))")
        case .malformed(let flaw): result.append("\(members.position):\(flaw)")
        }
      }
      return result
    }
  }

  @Test func separatesAtTheFirstEqualsSign() { #expect(members("a=b=c , d = e ,f=") == ["a=b=c", "d=e", "f="]) }

  @Test func tellsWhichPairIsMalformed() {
    #expect(members("a=1,b,,=c,d=%4,e=%4g,f=%,g=%41") == ["a=1", "2:noEqualsSign", "4:noKey", "5:badEncoding", "6:badEncoding", "7:badEncoding", "g=%41"])
  }

  @Test func decodes() {
    let decoded = withText("a%20b+%C3%bC%2c") { text in
      var bytes: [UInt8] = []
      var rest = PercentEncoding.DecodedBytes(text)
      while let byte = rest.next() { bytes.append(byte) }
      return String(decoding: bytes, as: UTF8.self)
    }
    #expect(decoded == "a b+ü,")
  }
}

@Suite struct RelayChoiceTests {
  @Test func readsEachForm() {
    #expect(withText("AUTO") { if case .automatic = RelayChoice($0) { true } else { false } })
    #expect(withText("external") { if case .external = RelayChoice($0) { true } else { false } })
    #expect(withText("start") { if case .start = RelayChoice($0) { true } else { false } })
    #expect(withText("off") { if case .off = RelayChoice($0) { true } else { false } })
    #expect(withText("unix:/Run/x") { if case .path(let path) = RelayChoice($0) { path.equals("/Run/x") } else { false } })
  }

  @Test(arguments: ["", "unix:", "unix:x", "/run/x", "on", "UNIX"])
  func refuses(_ text: String) { #expect(withText(text) { RelayChoice($0) == nil }) }

  @Test func aPathFitsIntoASocketAddress() {
    #expect(withText("unix:/" + String(repeating: "x", count: 106)) { RelayChoice($0) != nil })
    #expect(withText("unix:/" + String(repeating: "x", count: 107)) { RelayChoice($0) == nil })
  }
}

@Suite struct QuotingTests {
  private func quoted(_ text: String) -> String { withText(text) { String(quoting: $0) } }

  /// U+009B begins a terminal's command as "ESC [" does; U+2028 and U+2029 end a line where they are known.
  @Test func noControlCharacterOfAnyKind() {
    #expect(quoted("a\u{1b}\n\u{7f}") == #""a\x1b\x0a\x7f""#)
    for text in ["a\u{9b}31m", "a\u{85}b", "a\u{2028}b", "a\u{2029}b"] {
      #expect(quoted(text).unicodeScalars.allSatisfy { $0.properties.generalCategory != .control && !(0x2028...0x2029).contains($0.value) }, "\(text.debugDescription)")
    }
    #expect(quoted("\u{a0}é€\u{2027}😀") == "\"\u{a0}é€\u{2027}😀\"")
  }

  @Test func namesThatSpeakToTheTerminal() {
    let found = messages("OTEL_SDK_DISABLE\u{1b}=1").first ?? ""
    #expect(found.hasPrefix(#"OTEL_SDK_DISABLE\x1b is not a variable"#), "\(found.debugDescription)")
  }

  @Test(arguments: [
    ("http://u:p?w@c:1/", #""http://...""#), ("u:p?w@c", #""...""#), ("http://u:p@c?q", #""http://...@c?...""#), ("http://c?q", #""http://c?...""#),
    ("http://c/?mail=a@b", #""http://...""#),
  ])
  func passwordsWithQuestionMarks(_ url: String, _ shown: String) { #expect(withText(url) { EndpointURL.redacted($0) } == shown) }
}
