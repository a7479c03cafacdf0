package import OTelRegion

extension DropReason {
  /// For people.
  package var explanation: String {
    switch self {
    case .ringFull: "the process recorded faster than its relay read"
    case .noSlot: "too many spans were in flight at once"
    case .attaching: "ended while the region was being made"
    case .neverReturned: "the call never returned"
    case .unresolved: "the real library function was not known with certainty"
    case .handleTableFull: "too many libcurl handles: traced without their options"
    case .nestedTooDeep: "calls nested too deeply"
    case .notCarriedOver: "not carried over into a new region"
    case .consoleFull: "not written to the console: no buffer was free, or the span was too long for a line"
    case .consoleUnwritten: "not written to the console: standard error was replaced or took no more"
    case .connectTableFull: "too many connects in progress at once"
    }
  }
}
