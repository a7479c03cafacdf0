package import OTelPrimitives

/// A set of regular expressions with memory of its own.
package final class PatternMemory {
  private let memory = UnsafeMutableRawPointer.allocate(byteCount: PatternSet.size, alignment: 8)
  package var set: PatternSet { PatternSet(memory) }

  package init(ignoringCase: Bool = false) {
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: PatternSet.size)
    set.ignoresCase = ignoringCase
  }

  deinit { memory.deallocate() }

  /// Returns the flaw.
  @discardableResult
  package func add(_ pattern: [UInt8]) -> PatternCompiler.Flaw? { withText(pattern) { PatternCompiler.add($0, to: set) } }
  @discardableResult
  package func add(_ pattern: String) -> PatternCompiler.Flaw? { add(Array(pattern.utf8)) }

  package func matchesPart(of text: [UInt8]) -> Bool { withText(text) { set.matchesPart(of: $0) } }
  package func matchesPart(of text: String) -> Bool { matchesPart(of: Array(text.utf8)) }
  package func matchesAll(of text: [UInt8]) -> Bool { withText(text) { set.matchesAll(of: $0) } }
  package func matchesAll(of text: String) -> Bool { matchesAll(of: Array(text.utf8)) }
}
