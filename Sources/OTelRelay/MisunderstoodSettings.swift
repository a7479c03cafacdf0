import OTelConfiguration
import OTelPrimitives
import OTelReceiver

/// The settings of processes that are not what they should be, each once, however many processes have the same.
struct MisunderstoodSettings {
  private(set) var all: [InvalidSetting] = []
  private var known: Set<InvalidSetting> = []
  /// Hashes of the environments that were looked at.
  private var examined: Set<Int> = []

  private static var most: Int { 256 }

  /// - Parameters:
  ///   - problems: those that the relay found where it used a setting.
  ///   - identity: of the process: its configuration is in it. What the process itself reads is looked at here, as it has nowhere to say what it did not understand.
  /// - Returns: those that are new.
  mutating func add(_ problems: [InvalidSetting], identity: [UInt8]) -> [InvalidSetting] {
    let found = problems + others(identity, than: Set(problems.map(\.name)))
    let new = found.filter { known.count < Self.most && known.insert($0).inserted }
    all += new
    return new
  }

  private mutating func others(_ identity: [UInt8], than names: Set<String>) -> [InvalidSetting] {
    identity.withUnsafeBufferPointer { buffer in
      let block = EnvironmentBlock(identity: buffer)
      var (hasher, entries) = (Hasher(), block.entries)
      while let entry = entries.next() {
        guard entry.hasPrefix("OTEL_") else { continue }
        hasher.combine(bytes: UnsafeRawBufferPointer(start: entry.start, count: entry.count))
        hasher.combine(0)
      }
      guard examined.count < Self.most, examined.insert(hasher.finalize()).inserted else { return [] }
      return ConfigurationCheck.problems(in: block).filter { !names.contains($0.name) }.map { InvalidSetting($0.name, $0.message) }
    }
  }
}
