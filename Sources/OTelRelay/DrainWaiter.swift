import OTelReceiver

/// Someone who wants to know when all that had arrived before is exported or given up.
final class DrainWaiter {
  let connection: Connection
  /// What has to be exported: regions and positions in them. Nil until all who connected before have said what they want.
  private(set) var targets: [(region: ServedRegion, position: UInt64)]?

  init(_ connection: Connection) { self.connection = connection }

  /// - Parameter regions: freshly scanned.
  func begin(with regions: [ServedRegion]) {
    targets = regions.map { ($0, $0.phase == .live ? $0.attached.tail : .max) }
  }

  /// Regions that ended have to be finished; of a live one the part that was there.
  var isDone: Bool { targets?.allSatisfy { $0.region.isFinished || $0.region.attached.exportedPosition >= $0.position } ?? false }
}
