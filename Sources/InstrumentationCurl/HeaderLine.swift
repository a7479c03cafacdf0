import OTelPrimitives

/// One line of a program's list of headers (CURLOPT_HTTPHEADER(3)).
struct HeaderLine {
  let name: Text
  /// Nil: libcurl is told to leave the header out.
  let value: Text?

  /// Nil for what libcurl sends nothing of.
  init?(_ line: Text) {
    if let colon = line.firstIndex(of: 0x3a) {
      name = line.slice(0, colon)
      let rest = line.from(colon &+ 1).trimmed
      value = rest.isEmpty ? nil : rest
    } else if let semicolon = line.firstIndex(of: 0x3b), line.from(semicolon &+ 1).trimmed.isEmpty {
      name = line.slice(0, semicolon)
      value = Text("")
    } else {
      return nil
    }
  }
}
