/// Why spans that a process recorded were not delivered, as far as the relay decides it. What hosts drop they count themselves
/// (`OTelRegion.DropReason`).
package enum RelayDropReason: Int, CaseIterable {
  /// The collector refused the request, or some of its spans.
  case refused
  /// The bytes were no span.
  case malformed
  /// Reserved and never committed: the process ended in the middle of recording.
  case unfinished
  /// The region's indices made no sense.
  case corruptRegion
  /// The collector could not be reached for as long as the relay keeps the spans of ended processes.
  case undeliverable

  package var explanation: String {
    switch self {
    case .refused: "refused by the collector"
    case .malformed: "malformed"
    case .unfinished: "unfinished when their process ended"
    case .corruptRegion: "in a corrupt region"
    case .undeliverable: "given up: the collector could not be reached"
    }
  }
}

package struct DropCounts: Equatable {
  private var counts = [Int](repeating: 0, count: RelayDropReason.allCases.count)

  package init() {}

  package subscript(reason: RelayDropReason) -> Int {
    get { counts[reason.rawValue] }
    set { counts[reason.rawValue] = newValue }
  }

  package var total: Int { counts.reduce(0, +) }
}
