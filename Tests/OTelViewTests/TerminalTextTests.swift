import Testing

@testable import OTelView

@Suite struct TerminalTextTests {
  private func text(_ string: String, isUnicode: Bool = true) -> TerminalText { TerminalText(string, isUnicode: isUnicode) }

  @Test func controlCharactersAreSpelled() {
    #expect(text("a\u{1b}[31m\n\t\u{7f}\u{85}").text == "a\\x1b[31m\\x0a\\x09\\x7f\\x85")
    #expect(text("\u{200b}\u{202e}x\u{e0041}").text == "\u{fffd}\u{fffd}x\u{fffd}")
    #expect(text("grün\u{1b}", isUnicode: false).text == "gr?n\\x1b")
  }

  @Test func columns() {
    #expect(text("abc").width == 3)
    #expect(text("データ").width == 6)
    #expect(text("e\u{301}").width == 1)
    #expect(text("🚀").width == 2)
    #expect(text("データ").padded(8) == "データ  ")
    #expect(text("データ").padded(4) == "デ… ")
  }

  @Test func cutting() {
    #expect(text("abcdef").cut(6).text == "abcdef")
    #expect(text("abcdef").cut(4).text == "abc…")
    #expect(text("abcdef", isUnicode: false).cut(4).text == "abc~")
    #expect(text("abcdefghij").cutInTheMiddle(7).text == "abcd…ij")
    #expect(text("データデータ").cutInTheMiddle(7).text == "デー…タ")
  }
}
