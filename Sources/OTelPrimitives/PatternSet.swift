import COTelShims

/// Regular expressions, compiled into memory of fixed size: whether a text matches any of them.
///
/// All run at once as one automaton (Thompson's), whose states are bits: a byte costs at most one look at each step, so that the time is
/// linear in the text whatever the expressions are, and nothing recurses or allocates. What they may be made of, `PatternCompiler` says. They are about
/// bytes: `.` is one of a character's bytes, and `\w` knows ASCII alone.
///
/// Borrows its memory; zeroed, it is an empty set, which matches nothing. Any thread, once it is filled; async-signal-safe.
/// Source: https://swtch.com/~rsc/regexp/regexp1.html
public struct PatternSet {
  /// Bytes of memory.
  public static var size: Int { 4096 }
  static var stepCapacity: Int { 512 }
  static var classCapacity: Int { 63 }
  private static var classSize: Int { 32 }
  private static var stepsOffset: Int { 16 }
  private static var classesOffset: Int { 16 &+ 512 &* 4 }

  let memory: UnsafeMutableRawPointer

  /// - Parameter memory: `size` bytes, aligned to 4.
  @inlinable @inline(__always)
  public init(_ memory: UnsafeMutableRawPointer) { self.init(memory: memory) }

  @usableFromInline
  init(memory: UnsafeMutableRawPointer) { self.memory = memory }

  private func number(_ index: Int) -> UnsafeMutablePointer<UInt16> { (memory + index &* 2).assumingMemoryBound(to: UInt16.self) }

  /// Of the program: for each expression a fork around it, its steps, and `accept`.
  var stepCount: Int {
    get { Int(number(0).pointee) }
    nonmutating set { number(0).pointee = UInt16(truncatingIfNeeded: newValue) }
  }

  var classCount: Int {
    get { Int(number(1).pointee) }
    nonmutating set { number(1).pointee = UInt16(truncatingIfNeeded: newValue) }
  }

  /// Of ASCII letters. To be set before the first expression is added.
  public var ignoresCase: Bool {
    get { number(2).pointee != 0 }
    nonmutating set { number(2).pointee = newValue ? 1 : 0 }
  }

  public var isEmpty: Bool { stepCount == 0 }

  var steps: UnsafeMutablePointer<PatternStep> { (memory + Self.stepsOffset).assumingMemoryBound(to: PatternStep.self) }

  /// The bitmap of a class; `index` is below `classCapacity`.
  func bitmap(_ index: Int) -> UnsafeMutablePointer<UInt8> {
    (memory + Self.classesOffset + index &* Self.classSize).assumingMemoryBound(to: UInt8.self)
  }

  /// Whether one of the expressions matches somewhere in the text that consists of `head` and `text`.
  public func matchesPart(of text: Text, behind head: Text = Text("")) -> Bool { run(head, text, isWhole: false) }

  /// Whether one of them matches `text` as a whole.
  public func matchesAll(of text: Text) -> Bool { run(Text(""), text, isWhole: true) }

  @inline(never)
  private func run(_ head: Text, _ text: Text, isWhole: Bool) -> Bool {
    guard !isEmpty else { return false }
    return withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 16) { words in
      guard let start = words.baseAddress else { return false }
      memset(start, 0, 128)
      var run = PatternRun(set: self, head: head, text: text, isWhole: isWhole, reached: start, open: start + 8)
      return run.finish()
    }
  }
}

/// One step of a compiled expression. Jumps are relative, so that steps can be moved and copied.
struct PatternStep {
  var operation: UInt8
  /// Of `byte`: it, in lower case where the set ignores case. Of `class`: the index of its bitmap.
  var operand: UInt8
  /// Of `jump` and `fork`: from this step.
  var offset: Int16

  static let byte: UInt8 = 0
  /// Any byte but a line feed.
  static let any: UInt8 = 1
  static let `class`: UInt8 = 2
  // What follows takes no byte.
  static let jump: UInt8 = 3
  /// Goes on both at the next step and at `offset`.
  static let fork: UInt8 = 4
  static let begin: UInt8 = 5
  /// At the end, or before a line feed that is the end.
  static let end: UInt8 = 6
  static let veryEnd: UInt8 = 7
  static let wordBoundary: UInt8 = 8
  static let noWordBoundary: UInt8 = 9
  static let accept: UInt8 = 10
}
