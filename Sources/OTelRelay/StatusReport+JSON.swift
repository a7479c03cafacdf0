import Glibc
import OTelConfiguration
import OTelExport
import OTelReceiver
import OTelRegion

/// The same for programs: `otel-relay status --json`. Names are never renamed or removed, others may come.
extension StatusReport {
  var json: String {
    let live = regions.count { $0.phase == .live }
    return JSONValue.object([
      ("version", .string(Product.version)), ("pid", .integer(Int(getpid()))), ("startedAt", .string(timestamp(relay.startedAt))),
      ("listensAt", .string(relay.listener.name)), ("log", .optional(relay.log.path)),
      (
        "spans",
        .object([
          ("recorded", .integer(totals.recorded)), ("sent", .integer(totals.delivered)), ("waiting", .integer(waiting)),
          ("droppedByRelay", drops(RelayDropReason.allCases) { totals.drops[$0] }),
          ("droppedByProcesses", drops(DropReason.allCases) { Int(clamping: totals.hostDrops[$0.rawValue]) }),
        ])
      ),
      (
        "processes",
        .object([
          ("attached", .integer(live)), ("ended", .integer(regions.count - live)), ("gone", .integer(isWhole ? relay.totals.regions : 0)),
          ("listed", .array(regions.prefix(Self.most).map(member(for:)))),
        ])
      ),
      ("leftAlone", .array((isWhole ? relay.breaker.sentences : []).map(JSONValue.string))),
      ("destinations", .array(destinations.prefix(Self.most).map(member(for:)))),
      (
        "settings",
        .array((isWhole ? relay.settings : []).prefix(Self.most).map { .object([("variable", .string($0.name)), ("message", .string($0.message))]) })
      ),
    ]).text + "\n"
  }

  private func drops<Reason>(_ reasons: [Reason], _ count: (Reason) -> Int) -> JSONValue {
    .object(reasons.map { ("\($0)", .integer(count($0))) })
  }

  private func member(for region: ServedRegion) -> JSONValue {
    .object([
      ("pid", region.identity.processID.map(JSONValue.integer) ?? .null), ("userID", .integer(Int(region.attached.peerUserID))),
      ("service", .string(region.identity.serviceName)), ("command", .optional(region.identity.command)),
      ("executable", .optional(region.identity.executablePath)), ("state", .string(region.phase == .live ? "attached" : "ended")),
      ("recorded", .integer(region.attached.recorded)), ("sent", .integer(region.delivered)), ("waiting", .integer(region.queue.count)),
      ("droppedByRelay", .integer(region.attached.drops.total)),
      ("droppedByProcess", .integer(Int(clamping: region.attached.hostDrops.reduce(0, &+)))),
    ])
  }

  private func member(for destination: Destination) -> JSONValue {
    let last = destination.lastFailure
    return .object([
      ("endpoint", .string(destination.key.options.endpoint.displayURL)), ("userID", .integer(Int(destination.key.userID))),
      ("sent", .integer(destination.deliveredSpans)), ("requests", .integer(destination.deliveredRequests)),
      ("waiting", .integer(destination.waitingSpans)), ("rejected", .integer(destination.rejectedSpans)),
      ("refused", .integer(destination.refusedSpans)), ("lastSuccess", .optional(destination.lastSuccess.map(timestamp))),
      (
        "lastError",
        last.map {
          .object([
            ("time", .string(timestamp($0.time))), ("message", .string($0.failure.message)), ("hint", .optional($0.failure.hint)),
          ])
        } ?? .null
      ),
    ])
  }
}
