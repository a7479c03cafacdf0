import OTelPrimitives
import OTelTestSupport

/// Regular expressions. The first byte says whether the others are an expression of any bytes, or choose the parts of one: that is
/// matched by a second implementation too, which knows the expression as a tree and follows the sets of places where each part may end.
func pattern(_ input: UnsafeRawBufferPointer) {
  var pieces = Pieces(input)
  let kind = pieces.byte()
  let ignoresCase = kind & 2 != 0
  guard kind & 1 == 0 else { return anyBytes(&pieces, ignoresCase) }
  let text = pieces.take(Int(pieces.byte() % 24)).map { Array("abBC1_ .\n-\u{e9}".utf8)[Int($0) % 12] }
  let node = Node.made(from: &pieces, depth: 0)
  let expression = node.written
  let patterns = PatternMemory(ignoringCase: ignoresCase)
  switch patterns.add(expression) {
  case nil: break
  case .tooLarge: return
  case let flaw?: return check(false, "\(String(decoding: expression, as: UTF8.self)) is \(flaw)")
  }
  let matcher = TreeMatcher(text: text, ignoresCase: ignoresCase)
  let part = !matcher.ends(of: node, from: Set(0...text.count)).isEmpty
  let what = "\(String(decoding: expression, as: UTF8.self)) in \(text)"
  checkEqual(patterns.matchesPart(of: text), part, what)
  checkEqual(patterns.matchesAll(of: text), matcher.ends(of: node, from: [0]).contains(text.count), "all: " + what)
}

private func anyBytes(_ pieces: inout Pieces, _ ignoresCase: Bool) {
  let first = pieces.take(to: 0)
  let second = pieces.take(to: 0)
  let text = Array(pieces.rest.prefix(512))
  let patterns = PatternMemory(ignoringCase: ignoresCase)
  let alone = PatternMemory(ignoringCase: ignoresCase)
  let isFirst = patterns.add(first) == nil
  let before = patterns.matchesPart(of: text)
  let flaw = patterns.add(second)
  if flaw != nil { checkEqual(patterns.matchesPart(of: text), before, "the set after what was no expression") }
  let isSecond = alone.add(second) == nil
  check(isSecond || flaw != nil, "\(second) is one beside another, and not alone")
  guard flaw == nil else { return }
  checkEqual(patterns.matchesPart(of: text), before || alone.matchesPart(of: text), "both together")
  check(!patterns.matchesAll(of: text) || patterns.matchesPart(of: text), "all of it, and no part")
  check(isFirst || patterns.matchesAll(of: text) == alone.matchesAll(of: text), "an empty set and one")
  for cut in [0, text.count / 2, text.count] {
    let inTwo = withCopy(Array(text[..<cut])) { head in withCopy(Array(text[cut...])) { patterns.set.matchesPart(of: $0, behind: head) } }
    checkEqual(inTwo, patterns.matchesPart(of: text), "in two parts")
  }
}

private indirect enum Node {
  case byte(UInt8), any, kind(UInt8), range(UInt8, UInt8, isNegated: Bool), assertion(String)
  case sequence([Node]), choice([Node]), repetition(Node, least: Int, most: Int?, isShort: Bool)

  static func made(from pieces: inout Pieces, depth: Int) -> Node {
    guard depth < 5 else { return .byte(0x61) }
    switch pieces.byte() % 12 {
    case 0: return .any
    case 1: return .kind(Array("dDwWsS".utf8)[Int(pieces.byte() % 6)])
    case 2:
      let (a, b) = (0x41 + pieces.byte() % 58, 0x41 + pieces.byte() % 58)
      return .range(min(a, b), max(a, b), isNegated: pieces.byte() & 1 != 0)
    case 3: return .assertion(["^", "$", "\\b", "\\B", "\\A", "\\Z"][Int(pieces.byte() % 6)])
    case 4, 5: return .sequence((0..<pieces.byte() % 4).map { _ in made(from: &pieces, depth: depth + 1) })
    case 6: return .choice((0...pieces.byte() % 3).map { _ in made(from: &pieces, depth: depth + 1) })
    case 7, 8:
      let least = Int(pieces.byte() % 4)
      let more = pieces.byte() % 4
      return .repetition(made(from: &pieces, depth: depth + 1), least: least, most: more == 3 ? nil : least + Int(more), isShort: pieces.byte() & 1 != 0)
    default: return .byte(Array("abBC1_ .\n-{}]".utf8)[Int(pieces.byte() % 13)])
    }
  }

  /// As an expression; each part that more than one character stands for in a group.
  var written: [UInt8] {
    switch self {
    case .byte(let byte): return Array("^$.|?*+()[]{}\\".utf8).contains(byte) ? [0x5c, byte] : [byte]
    case .any: return [0x2e]
    case .kind(let letter): return [0x5c, letter]
    case .range(let first, let last, let isNegated): return [0x5b] + (isNegated ? [0x5e] : []) + Self.inClass(first) + [0x2d] + Self.inClass(last) + [0x5d]
    case .assertion(let text): return Array(text.utf8)
    case .sequence(let nodes): return nodes.flatMap(\.written)
    case .choice(let nodes): return Array("(".utf8) + Array(nodes.map(\.written).joined(separator: [0x7c])) + Array(")".utf8)
    case .repetition(let node, let least, let most, let isShort):
      let times = most.map { "{\(least),\($0)}" } ?? (isShort && least < 2 ? ["*", "+"][least] : "{\(least),}")
      return Array("(?:".utf8) + node.written + Array(")\(times)\(isShort ? "?" : "")".utf8)
    }
  }

  private static func inClass(_ byte: UInt8) -> [UInt8] { [0x5b, 0x5c, 0x5d, 0x5e].contains(byte) ? [0x5c, byte] : [byte] }
}

private struct TreeMatcher {
  let text: [UInt8]
  let ignoresCase: Bool

  private func isWord(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte | 0x20) && byte >= 0x41 || (0x30...0x39).contains(byte) || byte == 0x5f }

  private func takes(_ node: Node, _ byte: UInt8) -> Bool {
    func fold(_ byte: UInt8) -> UInt8 { ignoresCase && (0x41...0x5a).contains(byte) ? byte + 32 : byte }
    switch node {
    case .byte(let wanted): return fold(wanted) == fold(byte)
    case .any: return byte != 0x0a
    case .kind(let letter):
      let isOne = switch letter | 0x20 {
      case 0x64: (0x30...0x39).contains(byte)
      case 0x77: isWord(byte)
      default: [0x20, 0x09, 0x0a, 0x0b, 0x0c, 0x0d].contains(byte)
      }
      return isOne == (letter & 0x20 != 0)
    case .range(let first, let last, let isNegated):
      let isLetter = (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
      let isIn = (first...last).contains(byte) || ignoresCase && isLetter && (first...last).contains(byte ^ 0x20)
      return isIn != isNegated
    default: return false
    }
  }

  private func holds(_ assertion: String, _ place: Int) -> Bool {
    let isBoundary = (place > 0 && isWord(text[place - 1])) != (place < text.count && isWord(text[place]))
    switch assertion {
    case "^", "\\A": return place == 0
    case "$": return place == text.count || place == text.count - 1 && text[place] == 0x0a
    case "\\Z": return place == text.count
    case "\\b": return isBoundary
    default: return !isBoundary
    }
  }

  /// Where `node` may end that began at one of `starts`. All at once: one by one, nested repetitions would take for ever.
  func ends(of node: Node, from starts: Set<Int>) -> Set<Int> {
    guard !starts.isEmpty else { return [] }
    switch node {
    case .byte, .any, .kind, .range: return Set(starts.filter { $0 < text.count && takes(node, text[$0]) }.map { $0 + 1 })
    case .assertion(let assertion): return starts.filter { holds(assertion, $0) }
    case .sequence(let nodes): return nodes.reduce(starts) { ends(of: $1, from: $0) }
    case .choice(let nodes): return nodes.reduce(into: Set()) { $0.formUnion(ends(of: $1, from: starts)) }
    case .repetition(let node, let least, let most, _):
      var places = starts
      var found = least == 0 ? starts : []
      var time = 0
      while time < most ?? .max, !places.isEmpty {
        time += 1
        places = ends(of: node, from: places)
        if time >= least {
          if places.isSubset(of: found) { break }
          found.formUnion(places)
        }
      }
      return found
    }
  }
}
