import Glibc
import OTelConfiguration
import OTelExport
import OTelReceiver
import OTelRegion

/// What `otel-relay status` prints: the first thing someone needs who misses spans. Contains no header value, and URLs without user
/// information.
struct StatusReport {
  /// Of each list; an answer has to fit into the queue of a socket.
  static let most = 100

  let relay: Relay
  let regions: [ServedRegion]
  let destinations: [Destination]
  /// Others than root and the relay's own user see only what is theirs.
  let isWhole: Bool
  let now = wallClockNanoseconds()
  let totals: Totals
  let waiting: Int

  /// - Parameter userID: who asks.
  init(_ relay: Relay, for userID: UInt32) {
    self.relay = relay
    isWhole = userID == 0 || userID == geteuid()
    let whole = isWhole
    regions = relay.regions.filter { whole || $0.attached.peerUserID == userID }
    destinations = relay.destinations.values.filter { whole || $0.key.userID == userID }
      .sorted { $0.key.options.endpoint.displayURL < $1.key.options.endpoint.displayURL }
    var sum = isWhole ? relay.totals : Totals()
    for region in regions { sum.add(region) }
    totals = sum
    waiting = regions.reduce(0) { $0 + $1.queue.count }
  }

  var text: String {
    var lines = head
    lines += spans
    lines += processes
    let leftAlone = isWhole ? relay.breaker.sentences : []
    if !leftAlone.isEmpty { lines += ["", "programs that are left alone:"] + leftAlone.map { "  \($0)" } }
    lines += destinations.isEmpty ? ["", "destinations: none yet"] : ["", "destinations (\(destinations.count)):"]
    lines += destinations.prefix(Self.most).flatMap(lines(of:)) + Self.rest(destinations.count)
    if isWhole, !relay.settings.isEmpty {
      lines += ["", "settings that were not understood:"] + relay.settings.prefix(Self.most).map { "  \($0.description)" } + Self.rest(relay.settings.count)
    }
    return lines.map(RelayLog.escaped).joined(separator: "\n") + "\n"
  }

  private var head: [String] {
    [
      "otel-relay \(Product.version), pid \(getpid()), up \(Self.duration(now - min(now, relay.startedAt)))",
      "listens at \(relay.listener.name)" + (relay.listener.peers == .any ? " (for every user who may open it)" : ""),
      "log: \(relay.log.path ?? "none (no directory to write to)")",
    ]
  }

  private var spans: [String] {
    var lines = ["", "spans: \(totals.recorded) recorded, \(totals.delivered) sent, \(waiting) waiting, \(totals.drops.total) dropped by the relay"]
    for reason in RelayDropReason.allCases where totals.drops[reason] > 0 { lines.append("  \(totals.drops[reason]) \(reason.explanation)") }
    let inHosts = totals.hostDrops.reduce(0, &+)
    if inHosts > 0 {
      lines.append("dropped in the processes: \(inHosts)")
      for reason in DropReason.allCases where totals.hostDrops[reason.rawValue] > 0 {
        lines.append("  \(totals.hostDrops[reason.rawValue]) \(reason.explanation)")
      }
    }
    return lines
  }

  private var processes: [String] {
    let live = regions.filter { $0.phase == .live }
    let ended = regions.count - live.count
    let count = isWhole ? "\(live.count) attached, \(ended) ended with spans waiting, \(relay.totals.regions) gone" : "\(live.count) attached, \(ended) ended"
    guard !regions.isEmpty else { return ["", "processes: \(count)"] }
    var lines = ["", "processes: \(count)", Self.row("PID", "RECORDED", "SENT", "WAITING", "DROPPED", "SERVICE", "COMMAND")]
    for region in regions.prefix(Self.most) {
      let dropped = region.attached.drops.total + Int(clamping: region.attached.hostDrops.reduce(0, &+))
      lines.append(
        Self.row(
          region.identity.processID.map(String.init) ?? "?", String(region.attached.recorded), String(region.delivered), String(region.queue.count), String(dropped),
          region.identity.serviceName, region.identity.command ?? region.identity.executableName ?? "?"))
    }
    return lines + Self.rest(regions.count)
  }

  private static func rest(_ count: Int) -> [String] { count > most ? ["  … and \(count - most) more"] : [] }

  private func lines(of destination: Destination) -> [String] {
    var lines = [
      "  \(destination.key.options.endpoint.displayURL)",
      "    \(destination.deliveredSpans) spans sent in \(destination.deliveredRequests) requests, \(destination.waitingSpans) waiting,"
        + " \(destination.rejectedSpans) rejected, \(destination.refusedSpans) refused",
      "    last success: " + (destination.lastSuccess.map(moment) ?? "none yet"),
    ]
    if let last = destination.lastFailure {
      lines.append("    last error:   \(moment(last.time)): \(last.failure.message)")
      if let hint = last.failure.hint { lines.append("    hint:         \(hint)") }
    }
    return lines
  }

  private func moment(_ time: UInt64) -> String { "\(timestamp(time)) (\(Self.duration(now - min(now, time))) ago)" }

  private static func row(_ cells: String...) -> String {
    let widths = [8, 9, 9, 9, 9]
    return "  "
      + cells.enumerated().map { index, cell in
        let text = String(cell.prefix(60))
        return index < widths.count ? String(repeating: " ", count: max(0, widths[index] - text.count)) + text : " " + text
      }.joined(separator: " ")
  }

  static func duration(_ nanoseconds: UInt64) -> String {
    let seconds = nanoseconds / 1_000_000_000
    if seconds < 120 { return "\(seconds) s" }
    if seconds < 7200 { return "\(seconds / 60) min" }
    return seconds < 172_800 ? "\(seconds / 3600) h" : "\(seconds / 86_400) days"
  }
}
