package import OTelInspection
package import OTelPrimitives

/// The environment that a program is going to get: entries `NAME=VALUE` in their order, also malformed and repeated ones.
package struct Environment: Sendable, Equatable {
  package private(set) var entries: [ByteString]

  package init(_ entries: [ByteString]) { self.entries = entries }

  /// The first entry's value, as getenv(3). nil when there is none; empty when it is empty.
  package subscript(_ name: ByteString) -> ByteString? {
    guard let index = index(of: name) else { return nil }
    return ByteString(entries[index].bytes[(name.bytes.count + 1)...])
  }

  /// Replaces the value where the variable is, and appends where it is not. Of repeated entries the first one remains: which of them a
  /// program reads is nobody's to know.
  package mutating func set(_ name: ByteString, _ value: ByteString) {
    let entry = name + "=" + value
    if let index = index(of: name) {
      entries[index] = entry
      entries = entries.enumerated().filter { $0.offset <= index || !$0.element.hasPrefix(name + "=") }.map(\.element)
    } else {
      entries.append(entry)
    }
  }

  package mutating func remove(_ name: ByteString) { entries.removeAll { $0.hasPrefix(name + "=") } }

  private func index(of name: ByteString) -> Int? {
    let prefix = name + "="
    return entries.firstIndex { $0.hasPrefix(prefix) }
  }

  /// The block is valid during `body`.
  package func withBlock<Result>(_ body: (EnvironmentBlock) -> Result) -> Result {
    var bytes: [UInt8] = []
    for entry in entries { bytes += entry.bytes + [0] }
    let count = bytes.count
    bytes.append(0)
    return bytes.withUnsafeBufferPointer { body(EnvironmentBlock(Text($0.baseAddress!, count: count))) }
  }
}
