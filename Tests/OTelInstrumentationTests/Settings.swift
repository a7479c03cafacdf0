import COTelShims
import OTelPrimitives
import OTelTestSupport

@testable import OTelInstrumentation

/// Settings of a test's own.
final class Settings {
  let pointer = UnsafeMutablePointer<InstrumentationSettings>.allocate(capacity: 1)
  private let patterns = UnsafeMutableRawPointer.allocate(byteCount: 4 * PatternSet.size, alignment: 8)
  private var texts: [GuardedText] = []

  init() {
    patterns.initializeMemory(as: UInt8.self, repeating: 0, count: 4 * PatternSet.size)
    pointer.initialize(to: InstrumentationSettings(patterns: patterns))
    for set in [pointer.pointee.requestHeaders.patterns, pointer.pointee.responseHeaders.patterns, pointer.pointee.redactedHeaders] { set.ignoresCase = true }
  }

  deinit {
    pointer.deallocate()
    patterns.deallocate()
  }

  /// A text that lives as long as the settings.
  func text(_ string: String) -> Text {
    texts.append(GuardedText(Array(string.utf8)))
    return texts.last!.text
  }

  func add(_ pattern: String, to set: PatternSet, _ feature: UInt32) {
    precondition(PatternCompiler.add(text(pattern), to: set) == nil)
    pointer.pointee.features |= feature
  }
}
