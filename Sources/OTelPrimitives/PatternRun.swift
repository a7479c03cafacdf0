import COTelShims

/// A `PatternSet` at work on one text.
struct PatternRun {
  let set: PatternSet
  let head: Text
  let text: Text
  let isWhole: Bool
  /// One bit for each step that the expressions are at, having taken the bytes before `position`.
  let reached: UnsafeMutablePointer<UInt64>
  /// Those that are still to be looked at.
  let open: UnsafeMutablePointer<UInt64>
  var position = 0
  let wordCount: Int
  let count: Int

  init(
    set: PatternSet, head: Text, text: Text, isWhole: Bool, reached: UnsafeMutablePointer<UInt64>, open: UnsafeMutablePointer<UInt64>
  ) {
    (self.set, self.head, self.text, self.isWhole, self.reached, self.open) = (set, head, text, isWhole, reached, open)
    let words = (set.stepCount &+ 63) &>> 6
    wordCount = words < 8 ? words : 8
    count = head.count &+ text.count
  }

  private func byte(_ index: Int) -> UInt8 { index < head.count ? head[index] : text[index &- head.count] }

  private func enter(_ step: Int) {
    guard step >= 0, step < set.stepCount else { return }
    open[step &>> 6] |= 1 &<< UInt64(truncatingIfNeeded: step & 63)
  }

  /// Whether one of the expressions matches.
  mutating func finish() -> Bool {
    while true {
      if position == 0 || !isWhole { enter(0) }
      if settle(), !isWhole || position == count { return true }
      guard position < count else { return false }
      if !take(byte(position)), isWhole { return false }
      position &+= 1
    }
  }

  /// Goes on from `open` as far as that takes no byte. Each step is looked at once. Returns whether an expression ends here.
  private func settle() -> Bool {
    memset(reached, 0, wordCount &* 8)
    var isAccepted = false
    var word = 0
    while word < wordCount {
      let bits = open[word]
      guard bits != 0 else {
        word &+= 1
        continue
      }
      open[word] = bits & (bits &- 1)
      let bit = bits & (0 &- bits)
      guard reached[word] & bit == 0 else { continue }
      reached[word] |= bit
      let index = word &<< 6 &+ bits.trailingZeroBitCount
      let step = set.steps[index]
      var next = index &+ 1
      switch step.operation {
      case PatternStep.accept:
        isAccepted = true
        continue
      case PatternStep.jump: next = index &+ Int(step.offset)
      case PatternStep.fork:
        enter(next)
        next = index &+ Int(step.offset)
      case PatternStep.begin where position == 0: break
      case PatternStep.end where position == count || position &+ 1 == count && byte(position) == 0x0a: break
      case PatternStep.veryEnd where position == count: break
      case PatternStep.wordBoundary where isAtWordBoundary: break
      case PatternStep.noWordBoundary where !isAtWordBoundary: break
      default: continue
      }
      enter(next)
      // A loop leads back.
      if next >= 0, next &>> 6 < word { word = next &>> 6 }
    }
    return isAccepted
  }

  private var isAtWordBoundary: Bool {
    let before = position > 0 && Self.isWordByte(byte(position &- 1))
    let after = position < count && Self.isWordByte(byte(position))
    return before != after
  }

  static func isWordByte(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 || byte == 0x5f }

  /// Whether an expression goes on behind `byte`.
  private func take(_ byte: UInt8) -> Bool {
    let folded = set.ignoresCase ? Text.lowercased(byte) : byte
    var goesOn = false
    var word = 0
    while word < wordCount {
      var bits = reached[word]
      while bits != 0 {
        let index = word &<< 6 &+ bits.trailingZeroBitCount
        bits = bits & (bits &- 1)
        let step = set.steps[index]
        let takes: Bool
        switch step.operation {
        case PatternStep.byte: takes = step.operand == folded
        case PatternStep.any: takes = byte != 0x0a
        case PatternStep.class: takes = set.bitmap(Int(step.operand))[Int(byte &>> 3)] & (1 &<< (byte & 7)) != 0
        default: takes = false
        }
        if takes {
          enter(index &+ 1)
          goesOn = true
        }
      }
      word &+= 1
    }
    return goesOn
  }
}
