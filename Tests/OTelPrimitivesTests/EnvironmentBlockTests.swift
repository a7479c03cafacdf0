import OTelPrimitives
import OTelTestSupport
import Testing

@Suite struct EnvironmentBlockTests {
  private func value(_ name: StaticString, in block: String) -> String? {
    withText(block.utf8) { EnvironmentBlock($0).value(name).map { $0.string } }
  }

  @Test(arguments: [
    ("A=1\0B=2\0", "2"), ("B=2", "2"), ("B=\0B=3\0", "3"), ("B=\0", nil), ("B\0", nil), ("", nil), ("\0\0B=x\0", "x"), ("BB=1\0", nil),
    ("AB=1\0", nil), ("b=1\0", nil), ("B=a=b\0", "a=b"), ("B=first\0B=second\0", "first"), ("=B=1\0", nil), ("B= \0", " "), ("B=\u{e4}\0", "\u{e4}"),
  ] as [(String, String?)])
  func lookUp(_ block: String, _ expected: String?) { #expect(value("B", in: block) == expected) }

  @Test(arguments: [
    ("", []), ("A=1\0B=2\0", ["A=1", "B=2"]), ("A=1\0B", ["A=1", "B"]), ("\0\0A\0\0", ["A"]), ("\0", []),
  ] as [(String, [String])])
  func entries(_ block: String, _ expected: [String]) {
    withText(block.utf8) { text in
      var found: [String] = []
      var entries = EnvironmentBlock(text).entries
      while let entry = entries.next() { found.append(entry.string) }
      #expect(found == expected)
    }
  }
}
