import Testing

@testable import OTelView

@Suite struct TerminalStyleTests {
  private func style(_ variables: [String: String], columns: Int? = 80) -> TerminalStyle { TerminalStyle(variable: { variables[$0] }, terminalColumns: columns) }

  @Test func width() {
    #expect(style([:], columns: 123).width == 123)
    #expect(style(["COLUMNS": "70"], columns: 123).width == 123)
    #expect(style(["COLUMNS": "70"], columns: 0).width == 70)
    #expect(style(["COLUMNS": "70"], columns: nil).width == 70)
    for nonsense in ["", "0", "-5", "wide"] { #expect(style(["COLUMNS": nonsense], columns: nil).width == 100) }
    #expect(style([:], columns: 3).width == TerminalStyle.narrowest)
    #expect(style([:], columns: 60_000).width == TerminalStyle.widest)
  }

  @Test func colour() {
    #expect(style(["TERM": "xterm"]).isColoured)
    #expect(style(["TERM": "xterm", "NO_COLOR": ""]).isColoured)
    #expect(!style(["TERM": "xterm", "NO_COLOR": "0"]).isColoured)
    #expect(!style(["TERM": "dumb"]).isColoured)
    #expect(!style([:]).isColoured)
    #expect(!style(["TERM": "xterm"], columns: nil).isColoured)
  }

  @Test func locale() {
    #expect(style(["LANG": "en_US.UTF-8"]).isUnicode)
    #expect(style(["LANG": "C", "LC_CTYPE": "C.utf8"]).isUnicode)
    #expect(!style(["LANG": "en_US.UTF-8", "LC_ALL": "C"]).isUnicode)
    #expect(style(["LANG": "en_US.UTF-8", "LC_ALL": ""]).isUnicode)
    #expect(!style([:]).isUnicode)
  }
}
