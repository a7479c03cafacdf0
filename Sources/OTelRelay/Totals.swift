import OTelReceiver
import OTelRegion

/// Counts of regions that are gone.
struct Totals {
  var regions = 0
  var recorded = 0
  var delivered = 0
  var drops = DropCounts()
  var hostDrops = [UInt64](repeating: 0, count: DropReason.count)

  mutating func add(_ region: ServedRegion) {
    regions += 1
    recorded += region.attached.recorded
    delivered += region.delivered
    for reason in RelayDropReason.allCases { drops[reason] += region.attached.drops[reason] }
    for index in hostDrops.indices { hostDrops[index] &+= region.attached.hostDrops[index] }
  }
}
