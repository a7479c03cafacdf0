/// Text from anywhere, made fit for a terminal: what a span's name or a URL holds may come from a remote server.
package struct TerminalText {
  /// Without control characters, nor any that would move the cursor or turn the reading direction.
  package private(set) var scalars: [Unicode.Scalar] = []
  private let isUnicode: Bool

  /// - Parameter isUnicode: the terminal takes UTF-8. Otherwise what is not ASCII becomes `?`: a byte of it may be a control character there.
  package init(_ text: String, isUnicode: Bool) {
    self.isUnicode = isUnicode
    for scalar in text.unicodeScalars {
      if Self.isControl(scalar) {
        scalars += Self.escaped(scalar)
      } else if scalar.isASCII || isUnicode && !Self.isInvisible(scalar) {
        scalars.append(scalar)
      } else {
        scalars.append(isUnicode ? "\u{fffd}" : "?")
      }
    }
  }

  package var text: String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }

  /// Columns it takes.
  package var width: Int { Self.width(scalars[...]) }

  /// At most `columns` wide; what is missing at the end is marked.
  package func cut(_ columns: Int) -> TerminalText {
    guard width > columns else { return self }
    return joined(head(columns - 1), [])
  }

  /// At most `columns` wide; what is missing in the middle is marked: of a URL, both the host and the end are telling.
  package func cutInTheMiddle(_ columns: Int) -> TerminalText {
    guard width > columns else { return self }
    let end = max(0, (columns - 1) / 3)
    return joined(head(columns - 1 - end), tail(end))
  }

  /// With spaces behind it up to `columns`, or cut.
  package func padded(_ columns: Int) -> String {
    let fitting = cut(columns)
    return fitting.text + String(repeating: " ", count: max(0, columns - fitting.width))
  }

  private func joined(_ start: ArraySlice<Unicode.Scalar>, _ end: ArraySlice<Unicode.Scalar>) -> TerminalText {
    var result = self
    result.scalars = start + [isUnicode ? "…" : "~"] + end
    return result
  }

  private func head(_ columns: Int) -> ArraySlice<Unicode.Scalar> {
    var (taken, index) = (0, 0)
    while index < scalars.count, taken + Self.width(scalars[index]) <= columns {
      taken += Self.width(scalars[index])
      index += 1
    }
    return scalars[..<index]
  }

  private func tail(_ columns: Int) -> ArraySlice<Unicode.Scalar> {
    var (taken, index) = (0, scalars.count)
    while index > 0, taken + Self.width(scalars[index - 1]) <= columns {
      index -= 1
      taken += Self.width(scalars[index])
    }
    return scalars[index...].drop { Self.width($0) == 0 }
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool { scalar.value < 0x20 || 0x7f..<0xa0 ~= scalar.value }

  private static func escaped(_ scalar: Unicode.Scalar) -> [Unicode.Scalar] {
    Array(("\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)).unicodeScalars)
  }

  /// Separators, marks of direction, joiners, tags, and what belongs to no script: their effect on a line is anybody's guess.
  private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0xad, 0x61c, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x180b...0x180f, 0x200b...0x200f, 0x2028...0x202e, 0x2060...0x206f, 0x3164, 0xfe00...0xfe0f,
      0xfeff, 0xffa0, 0xfff0...0xfffb, 0xe000...0xf8ff, 0xe0000...0x10ffff:
      true
    default: false
    }
  }

  private static func width(_ scalars: ArraySlice<Unicode.Scalar>) -> Int { scalars.reduce(0) { $0 + width($1) } }

  /// As terminals have it: East Asian Wide and Fullwidth take two columns, combining marks none (Unicode, UAX #11 and UAX #44).
  static func width(_ scalar: Unicode.Scalar) -> Int {
    switch scalar.value {
    case ..<0x300: 1
    case 0x300...0x36f, 0x483...0x489, 0x591...0x5bd, 0x610...0x61a, 0x64b...0x65f, 0x6d6...0x6dc, 0x900...0x902, 0x93c, 0x941...0x948, 0x94d,
      0xe31, 0xe34...0xe3a, 0xe47...0xe4e, 0x1ab0...0x1aff, 0x1dc0...0x1dff, 0x20d0...0x20ff, 0x302a...0x302d, 0x3099...0x309a, 0xfe20...0xfe2f:
      0
    case 0x1100...0x115f, 0x231a...0x231b, 0x2329...0x232a, 0x23e9...0x23ec, 0x25fd...0x25fe, 0x2614...0x2615, 0x26a1, 0x2705, 0x274c, 0x2753...0x2755,
      0x2795...0x2797, 0x2b1b...0x2b1c, 0x2b50, 0x2e80...0x303e, 0x3041...0xa4cf, 0xa960...0xa97f, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f,
      0xff00...0xff60, 0xffe0...0xffe6, 0x16fe0...0x18aff, 0x1b000...0x1b2ff, 0x1f004, 0x1f0cf, 0x1f18e, 0x1f191...0x1f19a, 0x1f200...0x1f320,
      0x1f32d...0x1f5ff, 0x1f600...0x1f64f, 0x1f680...0x1f6ff, 0x1f7e0...0x1f7eb, 0x1f90c...0x1faff, 0x20000...0x3fffd:
      2
    default: 1
    }
  }
}
