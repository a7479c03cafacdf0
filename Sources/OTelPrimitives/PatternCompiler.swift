import COTelShims

/// Compiles regular expressions, written as Python's `re` takes them, into a `PatternSet`:
/// literals, `.`, `[…]`, `\d \w \s` and their opposites, `* + ? {m,n}` also with a `?` behind, groups, `|`, `^ $ \A \Z \b \B`.
/// Not: look-around, back-references, flags, possessive repetition, and characters beyond ASCII in `[…]`.
///
/// Once per process, and in the launcher, which names what cannot be compiled. Allocates never, recurses never.
public struct PatternCompiler {
  /// Why an expression is none.
  public enum Flaw: Sendable {
    /// Python refuses it too.
    case malformed
    case unsupported
    /// It has more steps than there is room for, with those that were added before.
    case tooLarge
  }

  /// An open group; the whole expression is the outermost one.
  private struct Group {
    var start: Int
    /// Where the alternative begins that is being read.
    var alternative: Int
    /// The jump at the end of the alternative before it, which leads to the one before that; -1: there is none.
    var exits: Int
  }

  private static var deepest: Int { 16 }
  private static var mostRepetitions: Int { 255 }

  private let set: PatternSet
  private let pattern: Text
  private let groups: UnsafeMutablePointer<Group>
  private var depth = 0
  private var index = 0
  /// The first step of what a repetition would repeat; -1: there is nothing.
  private var atom = -1
  private var flaw: Flaw?

  private init(_ pattern: Text, _ set: PatternSet, groups: UnsafeMutablePointer<Group>) {
    (self.pattern, self.set, self.groups) = (pattern, set, groups)
  }

  /// Adds `pattern` to `set`. With a flaw the set stays as it was.
  @inline(never)
  public static func add(_ pattern: Text, to set: PatternSet) -> Flaw? {
    withUnsafeTemporaryAllocation(of: Group.self, capacity: 16) { buffer in
      guard let groups = buffer.baseAddress else { return .tooLarge }
      let (steps, classes) = (set.stepCount, set.classCount)
      var compiler = PatternCompiler(pattern, set, groups: groups)
      compiler.compile()
      if compiler.flaw != nil { (set.stepCount, set.classCount) = (steps, classes) }
      return compiler.flaw
    }
  }

  private mutating func compile() {
    let start = set.stepCount
    emit(PatternStep.fork)
    groups[0] = Group(start: set.stepCount, alternative: set.stepCount, exits: -1)
    while index < pattern.count, flaw == nil {
      let byte = pattern[index]
      index &+= 1
      read(byte)
    }
    if depth != 0 { fail(.malformed) }
    guard flaw == nil else { return }
    closeAlternatives()
    emit(PatternStep.accept)
    // Behind the last one there is no step, so there it ends.
    if flaw == nil { set.steps[start].offset = Int16(truncatingIfNeeded: set.stepCount &- start) }
  }

  private mutating func read(_ byte: UInt8) {
    switch byte {
    case 0x28: openGroup()
    case 0x29: closeGroup()
    case 0x7c: beginAlternative()
    case 0x2a: repeatAtom(0, nil)
    case 0x2b: repeatAtom(1, nil)
    case 0x3f: repeatAtom(0, 1)
    case 0x7b: readRepetition()
    case 0x5e: assert(PatternStep.begin)
    case 0x24: assert(PatternStep.end)
    case 0x2e: emitAtom(PatternStep.any)
    case 0x5b: readClass()
    case 0x5c: readEscape()
    default: emitByte(byte)
    }
  }

  private mutating func fail(_ reason: Flaw) { if flaw == nil { flaw = reason } }

  // MARK: Steps

  private mutating func emit(_ operation: UInt8, _ operand: UInt8 = 0, offset: Int = 0) {
    let count = set.stepCount
    guard count < PatternSet.stepCapacity else { return fail(.tooLarge) }
    set.steps[count] = PatternStep(operation: operation, operand: operand, offset: Int16(truncatingIfNeeded: offset))
    set.stepCount = count &+ 1
  }

  private mutating func emitAtom(_ operation: UInt8, _ operand: UInt8 = 0) {
    atom = set.stepCount
    emit(operation, operand)
  }

  private mutating func emitByte(_ byte: UInt8) { emitAtom(PatternStep.byte, set.ignoresCase ? Text.lowercased(byte) : byte) }

  private mutating func assert(_ operation: UInt8) {
    emit(operation)
    atom = -1
  }

  /// Puts a fork before the step at `place`.
  private mutating func insertFork(at place: Int, offset: Int) {
    let count = set.stepCount
    guard count < PatternSet.stepCapacity else { return fail(.tooLarge) }
    memmove(set.steps + place + 1, set.steps + place, (count &- place) &* 4)
    set.steps[place] = PatternStep(operation: PatternStep.fork, operand: 0, offset: Int16(truncatingIfNeeded: offset))
    set.stepCount = count &+ 1
  }

  // MARK: Groups

  private mutating func openGroup() {
    if pattern[index] == 0x3f {
      guard pattern[index &+ 1] == 0x3a else { return fail(.unsupported) }
      index &+= 2
    }
    depth &+= 1
    guard depth < Self.deepest else { return fail(.tooLarge) }
    groups[depth] = Group(start: set.stepCount, alternative: set.stepCount, exits: -1)
    atom = -1
  }

  private mutating func closeGroup() {
    guard depth > 0 else { return fail(.malformed) }
    closeAlternatives()
    atom = groups[depth].start
    depth &-= 1
  }

  private mutating func beginAlternative() {
    let start = groups[depth].alternative
    // Around this alternative and the jump behind it, to the next one.
    insertFork(at: start, offset: set.stepCount &- start &+ 2)
    let exit = set.stepCount
    emit(PatternStep.jump, offset: groups[depth].exits)
    groups[depth].exits = exit
    groups[depth].alternative = set.stepCount
    atom = -1
  }

  /// Leads the jumps behind all alternatives to here.
  private mutating func closeAlternatives() {
    guard flaw == nil else { return }
    var exit = groups[depth].exits
    while exit >= 0 {
      let earlier = Int(set.steps[exit].offset)
      set.steps[exit].offset = Int16(truncatingIfNeeded: set.stepCount &- exit)
      exit = earlier
    }
  }

  // MARK: Repetitions

  /// Behind a "{": `m}`, `m,}`, `,n}` or `m,n}`. Anything else stands for itself.
  private mutating func readRepetition() {
    var next = index
    let least = readNumber(&next)
    var most = least
    let hasComma = pattern[next] == 0x2c
    if hasComma {
      next &+= 1
      most = readNumber(&next)
    }
    guard pattern[next] == 0x7d, hasComma || least != nil else { return emitByte(0x7b) }
    index = next &+ 1
    if let least, let most, least > most { return fail(.malformed) }
    guard least ?? 0 <= Self.mostRepetitions, most ?? 0 <= Self.mostRepetitions else { return fail(.tooLarge) }
    // "{,}" is "{0,}".
    repeatAtom(least ?? 0, most)
  }

  private func readNumber(_ next: inout Int) -> Int? {
    let start = next
    var number = 0
    while pattern[next] &- 0x30 < 10 {
      if number <= Self.mostRepetitions { number = number &* 10 &+ Int(pattern[next] &- 0x30) }
      next &+= 1
    }
    return next > start ? number : nil
  }

  private mutating func repeatAtom(_ least: Int, _ most: Int?) {
    guard atom >= 0 else { return fail(.malformed) }
    // Whether it takes as little as it can is of no matter to whether it matches.
    if pattern[index] == 0x3f { index &+= 1 } else if pattern[index] == 0x2b { return fail(.unsupported) }
    let (start, length) = (atom, set.stepCount &- atom)
    atom = -1
    guard let most else { return repeatForEver(start, length, least: least) }
    guard most > 0 else {
      set.stepCount = start
      return
    }
    let optional = most &- least
    let end = start &+ least &* length &+ optional &* (length &+ 1)
    if least == 0 { insertFork(at: start, offset: end &- start) }
    let source = least == 0 ? start &+ 1 : start
    var copy = 1
    while copy < most, flaw == nil {
      if copy >= least { emit(PatternStep.fork, offset: end &- set.stepCount) }
      duplicate(source, length)
      copy &+= 1
    }
  }

  private mutating func repeatForEver(_ start: Int, _ length: Int, least: Int) {
    guard least > 0 else {
      insertFork(at: start, offset: length &+ 2)
      return emit(PatternStep.jump, offset: -1 &- length)
    }
    var copy = 1
    while copy < least, flaw == nil {
      duplicate(start, length)
      copy &+= 1
    }
    emit(PatternStep.fork, offset: 0 &- length)
  }

  private mutating func duplicate(_ start: Int, _ length: Int) {
    let count = set.stepCount
    guard count &+ length <= PatternSet.stepCapacity else { return fail(.tooLarge) }
    memcpy(set.steps + count, set.steps + start, length &* 4)
    set.stepCount = count &+ length
  }

  // MARK: Classes

  private mutating func readEscape() {
    guard index < pattern.count else { return fail(.malformed) }
    switch pattern[index] {
    case 0x41: assertEscaped(PatternStep.begin)
    case 0x5a: assertEscaped(PatternStep.veryEnd)
    case 0x62: assertEscaped(PatternStep.wordBoundary)
    case 0x42: assertEscaped(PatternStep.noWordBoundary)
    default:
      guard var bitmap = newClass() else { return }
      guard let byte = readEscaped(into: &bitmap) else { return addClass() }
      emitByte(byte)
    }
  }

  private mutating func assertEscaped(_ operation: UInt8) {
    index &+= 1
    assert(operation)
  }

  /// What is behind a backslash: a byte; or nil, when it was a class, which is added to `bitmap`, or a flaw.
  private mutating func readEscaped(into bitmap: inout PatternClass) -> UInt8? {
    let byte = pattern[index]
    index &+= 1
    switch byte {
    case 0x64, 0x44, 0x77, 0x57, 0x73, 0x53: bitmap.addKind(byte)
    case 0x6e: return 0x0a
    case 0x74: return 0x09
    case 0x72: return 0x0d
    case 0x66: return 0x0c
    case 0x76: return 0x0b
    case 0x61: return 0x07
    case 0x78:
      guard let high = PatternClass.digit(pattern[index]), let low = PatternClass.digit(pattern[index &+ 1]) else {
        fail(.malformed)
        return nil
      }
      index &+= 2
      return high &<< 4 | low
    default:
      // Of letters and digits each has a meaning, or may get one.
      guard (byte | 0x20) &- 0x61 >= 26, byte &- 0x30 >= 10 else {
        fail(.unsupported)
        return nil
      }
      return byte
    }
    return nil
  }

  private mutating func newClass() -> PatternClass? {
    guard set.classCount < PatternSet.classCapacity else {
      fail(.tooLarge)
      return nil
    }
    return PatternClass(set.bitmap(set.classCount))
  }

  /// Emits the class that was made last.
  private mutating func addClass() {
    guard flaw == nil else { return }
    let made = set.classCount
    var same = 0
    while same < made, memcmp(set.bitmap(same), set.bitmap(made), 32) != 0 { same &+= 1 }
    if same == made { set.classCount = made &+ 1 }
    emitAtom(PatternStep.class, UInt8(truncatingIfNeeded: same))
  }

  private mutating func readClass() {
    guard var bitmap = newClass() else { return }
    let isNegated = pattern[index] == 0x5e
    if isNegated { index &+= 1 }
    var isFirst = true
    while flaw == nil, index < pattern.count, isFirst || pattern[index] != 0x5d {
      isFirst = false
      readClassMember(&bitmap)
    }
    guard index < pattern.count else { return fail(.malformed) }
    index &+= 1
    if set.ignoresCase { bitmap.foldCase() }
    if isNegated { bitmap.invert() }
    addClass()
  }

  private mutating func readClassMember(_ bitmap: inout PatternClass) {
    guard let first = readClassByte(&bitmap) else {
      // "[\d-z]" is no range.
      if flaw == nil, pattern[index] == 0x2d, index &+ 1 < pattern.count, pattern[index &+ 1] != 0x5d { fail(.malformed) }
      return
    }
    guard pattern[index] == 0x2d, index &+ 1 < pattern.count, pattern[index &+ 1] != 0x5d else { return bitmap.add(first, first) }
    index &+= 1
    guard let last = readClassByte(&bitmap), first <= last else { return fail(.malformed) }
    bitmap.add(first, last)
  }

  private mutating func readClassByte(_ bitmap: inout PatternClass) -> UInt8? {
    let byte = pattern[index]
    index &+= 1
    guard byte < 0x80 else {
      fail(.unsupported)
      return nil
    }
    guard byte == 0x5c else { return byte }
    guard index < pattern.count else {
      fail(.malformed)
      return nil
    }
    if pattern[index] == 0x62 {
      index &+= 1
      return 0x08
    }
    return readEscaped(into: &bitmap)
  }
}
