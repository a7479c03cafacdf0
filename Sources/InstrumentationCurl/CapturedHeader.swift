import COTelHookABI
import COTelShims
import OTelAPI
import OTelInstrumentation
import OTelPrimitives

/// The values of one header, on their way into an attribute.
struct CapturedHeader {
  /// In lower case; a NUL follows.
  let name: Text
  /// The user has written it in full.
  let isNamed: Bool
  private let values: UnsafeMutablePointer<Text>
  private var count = 0

  private static var mostValues: Int { 8 }

  private init(_ name: Text, isNamed: Bool, values: UnsafeMutablePointer<Text>) {
    (self.name, self.isNamed, self.values) = (name, isNamed, values)
  }

  /// - Parameter name: at most `HeaderSelection.longestName` bytes.
  @inline(__always)
  static func with(_ name: Text, isNamed: Bool, _ body: (inout CapturedHeader) -> Void) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 104) { buffer in
      guard let start = buffer.baseAddress, name.count < 104 else { return }
      var index = 0
      while index < name.count {
        start[index] = Text.lowercased(name[index])
        index &+= 1
      }
      start[index] = 0
      withUnsafeTemporaryAllocation(of: Text.self, capacity: 8) { values in
        guard let values = values.baseAddress else { return }
        var header = CapturedHeader(Text(start, count: index), isNamed: isNamed, values: values)
        body(&header)
      }
    }
  }

  /// A further one than there is room for is left out. Borrowed until `write`.
  mutating func add(_ value: Text) {
    guard count < Self.mostValues else { return }
    values[count] = value
    count &+= 1
  }

  /// Nothing without a value.
  func write<A: SpanAttributes>(_ prefix: StaticString, to attributes: inout A, _ settings: UnsafePointer<InstrumentationSettings>) {
    guard count > 0 else { return }
    if HeaderSecrecy.isSecret(name, isNamed: isNamed, redacted: settings.pointee.redactedHeaders) {
      var index = 0
      while index < count {
        values[index] = HeaderSecrecy.mark
        index &+= 1
      }
    } else if HeaderSecrecy.isURL(name) {
      return writeURL(prefix, to: &attributes, settings)
    }
    attributes.set(prefix, lowercased: name, strings: UnsafeBufferPointer(start: values, count: count))
  }

  @inline(never)
  private func writeURL<A: SpanAttributes>(_ prefix: StaticString, to attributes: inout A, _ settings: UnsafePointer<InstrumentationSettings>) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 768) { buffer in
      guard let start = buffer.baseAddress else { return }
      // One of each is all that may be there.
      values[0] = Text(start, count: HeaderSecrecy.writeURL(values[0], to: start, capacity: 768, keys: settings.pointee.queryKeys))
      attributes.set(prefix, lowercased: name, strings: UnsafeBufferPointer(start: values, count: 1))
    }
  }
}
