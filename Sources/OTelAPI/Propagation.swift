public import OTelPrimitives

/// How context is passed on by this process: set once, before hooks are live, but for the one change of `stop`.
public struct Propagation {
  public private(set) var propagators: Propagators
  /// The fields of a request that name a span in one of the formats.
  public let identity: ContextFieldSet
  /// Whether any of them is in another format than W3C's.
  public let readsOtherFormats: Bool
  /// A span that a program's own request names is its parent, and is named in its place (`OTEL_NATIVE_CURL_REPARENT`).
  public var isReparenting = false
  /// `tracestate: …` and `baggage: …`, each ended by a NUL; empty: there is none. Kept for the process's life, the same for all requests.
  /// The former belongs to what descends from the process's parent.
  public var traceStateLine = Text("") { didSet { findOutWhetherPlain() } }
  public var baggageLine = Text("") { didSet { findOutWhetherPlain() } }
  /// Baggage once more, as formats beside W3C's have it (`BaggageHeader`): lines, each ended by a NUL; empty: there are none. Kept likewise.
  public var baggageHeaders = Text("") { didSet { findOutWhetherPlain() } }
  /// All that there may be to pass on is `traceparent`.
  public private(set) var isPlain = false

  public init(_ propagators: Propagators) {
    self.propagators = propagators
    identity = propagators.identity()
    readsOtherFormats = !identity.isSubset(of: ContextFieldSet(from: .traceParent, through: .traceParent))
    findOutWhetherPlain()
  }

  private mutating func findOutWhetherPlain() {
    isPlain = propagators.isStandard && traceStateLine.isEmpty && !hasBaggage
  }

  /// From now on nothing is passed on.
  public mutating func stop() {
    propagators = Propagators()
    isPlain = false
  }

  @inline(__always) public var hasBaggage: Bool { !baggageLine.isEmpty || !baggageHeaders.isEmpty }
  @inline(__always) public var isActive: Bool { !propagators.isEmpty }
}
