import OTelPrimitives

// Lists of which one item may be wrong: it is left out, and the others count.
extension ConfigurationCheck {
  mutating func examineHeaderNames(_ variable: EnvironmentVariable, _ value: Text) {
    var items = ListItems(value)
    while let item = items.next() {
      // The limit is that of an attribute's name (InstrumentationSettings).
      let isPattern = item.firstIndex(of: 0x2a) != nil
      guard isPattern || !HeaderField.isName(item) || item.count > 96 else { continue }
      let remedy =
        isPattern
        ? "Patterns belong into OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST or _RESPONSE, as regular expressions."
        : "Write names, separated by commas."
      leaveOut(variable, item, "is no name of a header", remedy)
    }
  }

  mutating func examinePatterns(_ variable: EnvironmentVariable, _ value: Text) {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: PatternSet.size, alignment: 8)
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: PatternSet.size)
    defer { memory.deallocate() }
    // All in one set, as in a program: what there is no room for there, there is none for here.
    let patterns = PatternSet(memory)
    var items = PatternItems(value)
    while let item = items.next() {
      switch PatternCompiler.add(item, to: patterns) {
      case nil: break
      case .malformed: leaveOut(variable, item, "is no regular expression", "Write one as Python's re takes it.")
      case .unsupported:
        leaveOut(
          variable, item, "uses what otelagent does not have in regular expressions",
          "Do without look-around, back-references, flags, possessive repetitions, and characters beyond ASCII between brackets.")
      case .tooLarge: leaveOut(variable, item, "is too large, with those before it", "Write fewer or shorter ones, with smaller repetitions.")
      }
    }
  }

  mutating func examinePeerServices(_ variable: EnvironmentVariable, _ value: Text) {
    var items = ListItems(value)
    while let item = items.next() {
      if let equals = item.firstIndex(of: 0x3d), HostAndPort(item.slice(0, equals).trimmed) != nil, !item.from(equals + 1).trimmed.isEmpty { continue }
      leaveOut(variable, item, "names no host and its service", "Write host=name, or host:port=name.")
    }
  }

  private mutating func leaveOut(_ variable: EnvironmentVariable, _ item: Text, _ flaw: String, _ remedy: String) {
    report(variable.name, ": " + String(quoting: item) + " " + flaw + "; it is left out. " + remedy)
  }
}
