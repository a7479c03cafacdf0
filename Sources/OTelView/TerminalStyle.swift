/// What may be written to where a view goes.
package struct TerminalStyle: Equatable, Sendable {
  /// Columns.
  package var width: Int
  package var isColoured: Bool
  /// UTF-8; otherwise ASCII alone.
  package var isUnicode: Bool

  package static let narrowest = 40
  package static let widest = 400
  /// Where nobody says how wide it is.
  static let usualWidth = 100

  package init(width: Int, isColoured: Bool, isUnicode: Bool) {
    self.width = width
    self.isColoured = isColoured
    self.isUnicode = isUnicode
  }

  /// - Parameters:
  ///   - variable: a variable's value; nil when it is not set.
  ///   - terminalColumns: nil: it is no terminal; 0: it does not know.
  package init(variable: (String) -> String?, terminalColumns: Int?) {
    let columns = terminalColumns.flatMap { $0 > 0 ? $0 : nil } ?? variable("COLUMNS").flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil } ?? Self.usualWidth
    width = min(max(columns, Self.narrowest), Self.widest)
    // "when present and not an empty string (regardless of its value)" (https://no-color.org).
    let forbidsColour = variable("NO_COLOR").map { !$0.isEmpty } ?? false
    let terminal = variable("TERM") ?? ""
    isColoured = terminalColumns != nil && !forbidsColour && !terminal.isEmpty && terminal != "dumb"
    // The first that is set and not empty counts (POSIX, XBD 8.2).
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].compactMap { variable($0) }.first { !$0.isEmpty } ?? ""
    // language[_territory][.codeset][@modifier] (locale(7)); some systems name the code set alone. Searching in the text would link the
    // engine of regular expressions, 1.2 MB, into the launcher.
    let codeset = locale.split { $0 == "@" }.first?.split { $0 == "." }.last?.lowercased()
    isUnicode = codeset == "utf-8" || codeset == "utf8"
  }

  package enum Colour: String {
    case bold = "1", dim = "2", red = "31", green = "32", cyan = "36"
  }

  package func painted(_ text: String, _ colour: Colour) -> String {
    isColoured && !text.isEmpty ? "\u{1b}[\(colour.rawValue)m\(text)\u{1b}[0m" : text
  }
}
