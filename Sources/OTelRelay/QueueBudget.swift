/// Bytes of spans that wait in the relay, over all destinations. Behind them the regions hold what is not read.
final class QueueBudget {
  static let limit = 16 << 20
  /// What a destination may always hold: one whose collector is down cannot take all from the others.
  static let reserve = 256 << 10

  private(set) var bytes = 0

  func account(_ change: Int) { bytes += change }

  func allows(_ destination: Destination) -> Bool { bytes < Self.limit || destination.waitingBytes < Self.reserve }
}
