import Glibc
import OTelConfiguration
import OTelPrimitives

/// Values of variables. The first byte chooses the type.
func values(_ input: UnsafeRawBufferPointer) {
  guard let kind = input.first else { return }
  let text = Text(UnsafeRawBufferPointer(rebasing: input.dropFirst()))
  let word = text.array.trimmed
  switch kind % 6 {
  case 0:
    let lowercased = String(decoding: word.lowercased, as: UTF8.self)
    checkEqual(ValueParser.boolean(text), ["true": true, "false": false][lowercased])
  case 1:
    let isNumber = (1...18).contains(word.count) && word.allSatisfy { (0x30...0x39).contains($0) }
    checkEqual(ValueParser.integer(text, most: .max), isNumber ? UInt64(String(decoding: word, as: UTF8.self)) : nil)
    if let number = ValueParser.integer(text, least: 5, most: 100) { check((5...100).contains(number), "\(number) is out of its bounds") }
  case 2: probability(text, word)
  case 3:
    var found: [[UInt8]] = []
    var items = ListItems(text)
    while let item = items.next() { found.append(item.array) }
    let expected = text.array.split(separator: 0x2c).map(\.trimmed).filter { !$0.isEmpty }
    checkEqual(found, expected)
    let names = Set(expected.map { String(decoding: $0.lowercased, as: UTF8.self) })
    let exporters = TraceExporters(text)
    let isSaid = !names.isDisjoint(with: ["otlp", "console", "none"])
    checkEqual(exporters.otlp, names.contains("otlp") || !isSaid)
    checkEqual(exporters.console, names.contains("console"))
  case 4: relayChoice(text, word)
  default:
    // An entry of the environment that a relay gets, and a program's path.
    let name = text.array.prefix { $0 != 0x3d }
    if RelayEnvironment.isKept(text) {
      check(text.array.contains(0x3d) && !name.starts(with: "LD_".utf8) && name != Array("HTTP_PROXY".utf8)[...], "a relay gets \(name)")
    }
    let file = text.array.split(separator: 0x2f, omittingEmptySubsequences: false).last ?? []
    checkEqual(NeverList.contains(text), withCopy(Array(file)) { NeverList.contains($0) }, "whether the folder counts")
  }
}

/// Against strtod, as far as the two promise the same: 16 digits.
private func probability(_ text: Text, _ word: [UInt8]) {
  let found = ValueParser.probability(text)
  let unsigned = word.first == 0x2b ? Array(word.dropFirst()) : word
  let parts = unsigned.split(omittingEmptySubsequences: false) { $0 | 0x20 == 0x65 }
  let number = parts.first.map(Array.init) ?? []
  var exponent = parts.count > 1 ? Array(parts[1]) : Array("0".utf8)
  if parts.count > 1, let sign = exponent.first, sign == 0x2b || sign == 0x2d { exponent.removeFirst() }
  func areDigits(_ bytes: some Collection<UInt8>) -> Bool { bytes.allSatisfy { (0x30...0x39).contains($0) } }
  let halves = number.split(separator: 0x2e, omittingEmptySubsequences: false)
  let isNumber = parts.count <= 2 && halves.count <= 2 && halves.allSatisfy(areDigits) && halves.contains { !$0.isEmpty }
    && !exponent.isEmpty && areDigits(exponent)
  guard isNumber else { return check(found == nil, "\(String(decoding: word, as: UTF8.self)) is taken for a number") }
  let expected = strtod(String(decoding: word, as: UTF8.self), nil)
  guard let found else {
    let isLong = halves[0].drop { $0 == 0x30 }.count > 15 || exponent.count > 17 || (Int(String(decoding: exponent, as: UTF8.self)) ?? 0) > 400
    return check(isLong || expected > 0.9999999999999998, "\(String(decoding: word, as: UTF8.self)) is refused")
  }
  check(found <= 1 << 56, "more than all traces")
  let probability = Double(found) / Double(1 << 56)
  check(abs(probability - expected) < 1e-15, "\(String(decoding: word, as: UTF8.self)) is \(probability)")
}

private func relayChoice(_ text: Text, _ word: [UInt8]) {
  let lowercased = String(decoding: word.lowercased, as: UTF8.self)
  switch RelayChoice(text) {
  case .automatic: checkEqual(lowercased, "auto")
  case .external: checkEqual(lowercased, "external")
  case .start: checkEqual(lowercased, "start")
  case .off: checkEqual(lowercased, "off")
  case .path(let path):
    checkEqual(Array("unix:".utf8) + path.array, word)
    check((1...107).contains(path.count) && path[0] == 0x2f, "the path \(path.array)")
  case nil: check(!["auto", "external", "start", "off"].contains(lowercased), "\(lowercased) is refused")
  }
}

/// `NAME=VALUE` entries, each ended by a NUL.
func environment(_ input: UnsafeRawBufferPointer) {
  let block = EnvironmentBlock(Text(input))
  let entries = input.split(separator: 0).map(Array.init)
  var found: [[UInt8]] = []
  var iterator = block.entries
  while let entry = iterator.next() { found.append(entry.array) }
  checkEqual(found, entries)
  let table = EnvironmentVariable.table
  for variable in table {
    let name = Text(variable.name).array + [0x3d]
    let expected = entries.first { $0.starts(with: name) && $0.count > name.count }.map { Array($0.dropFirst(name.count)) }
    checkEqual(block.value(variable.name)?.array, expected, "\(variable.name)")
  }
  let problems = ConfigurationCheck.problems(in: block).map(\.message)
  for problem in problems { check(problem.isPlainLine, "a message that is no line: \(problem.debugDescription)") }
  // What is in a header's value does not show.
  let disguised = entries.flatMap { entry -> [UInt8] in
    let name = Array(entry.prefix { $0 != 0x3d })
    let isSecret = table.contains { if case .headers = $0.kind { Text($0.name).array == name } else { false } }
    return (isSecret ? name + disguise(entry.dropFirst(name.count)) : entry) + [0]
  }
  withCopy(disguised) { checkEqual(ConfigurationCheck.problems(in: EnvironmentBlock($0)).map(\.message), problems, "what is said of other headers") }
}

/// Another text of the same form: letters that are no hexadecimal digits are others.
func disguise(_ bytes: some Sequence<UInt8>) -> [UInt8] {
  bytes.map { byte in
    switch byte {
    case 0x67...0x79, 0x47...0x59: byte + 1
    case 0x7a, 0x5a: byte - 19
    default: byte
    }
  }
}
