public import OTelPrimitives

/// Source: https://opentelemetry.io/docs/specs/otel/trace/api/#spankind; the values are OTLP's.
public enum SpanKind: UInt8 { case `internal` = 1, server, client, producer, consumer }

/// The built-in instrumentation scopes. Their numbers and names are the region's (`ScopeID`).
public enum InstrumentationScope { case curl, sockets, dns }

/// A span that has started and not ended, as plain words: a hook keeps it in its caller's frame while the real call runs.
public struct OpenSpan {
  public var context: SpanContext
  /// 0: a root.
  public var parentID: UInt64
  public var parentIsRemote: Bool
  public var isRecording: Bool
  /// Unix time in nanoseconds; 0 when nothing is recorded.
  public var startTime: UInt64
  /// What `startTime` is ahead of CLOCK_MONOTONIC, in nanoseconds.
  public var clock: UInt64 = 0
  /// Where it is being encoded; nil: it will be, at its end.
  public var slot: UnsafeMutableRawPointer?
  /// Of the process state it belongs to: another one after a fork, or when a new region has taken over.
  public var generation: UInt64

  @inlinable @inline(__always)
  public init(
    context: SpanContext, parentID: UInt64, parentIsRemote: Bool, isRecording: Bool, startTime: UInt64, slot: UnsafeMutableRawPointer?,
    generation: UInt64
  ) {
    self.context = context
    self.parentID = parentID
    self.parentIsRemote = parentIsRemote
    self.isRecording = isRecording
    self.startTime = startTime
    self.slot = slot
    self.generation = generation
  }
}

/// Takes the attributes of one span.
///
/// Keys are literals of at most 127 bytes, each set once. A value that exceeds a limit is cut or dropped, and the drop is counted.
public protocol SpanAttributes {
  mutating func set(_ key: StaticString, _ value: Text)
  /// A value that is known to be ASCII.
  mutating func set(_ key: StaticString, ascii value: Text)
  mutating func set(_ key: StaticString, _ value: Int64)
  /// An array of strings, each cut as a string of its own; dropped as a whole where it does not fit. The key is `prefix` and, in lower case, `suffix`.
  mutating func set(_ prefix: StaticString, lowercased suffix: Text, strings: UnsafeBufferPointer<Text>)
  /// Gives the span another name, of at most 127 bytes.
  mutating func updateName(_ name: Text)
  /// `tracestate` of a parent that is not the process's; empty: none. At most `TraceState.capacity` bytes of ASCII.
  mutating func setTraceState(_ text: Text)
  /// Marks the span as failed. No description: the attributes tell.
  mutating func setError()
}

extension SpanAttributes {
  @inline(__always)
  public mutating func set(_ key: StaticString, strings: UnsafeBufferPointer<Text>) { set(key, lowercased: Text(""), strings: strings) }
}

/// What an instrumentation sees of the SDK. A protocol for generic use only: every instrumentation is specialised for the one tracer
/// that the agent is composed with, and for a recording one in tests.
///
/// Every function: any thread, async-signal-safe, no allocation, cannot fail loudly.
public protocol Tracer {
  associatedtype Recorder: SpanAttributes

  /// False: no span is recorded whose parent is not a span of this process. What such a call makes need not be started.
  var recordsRoots: Bool { get }
  /// Sees to it that the calling thread can start spans. 0 when the process does not trace now.
  func prepare() -> UInt64
  /// Starts a span. Nil when the process does not trace now.
  /// - Parameter parent: nil for a child of the process's own parent (`TRACEPARENT` and its like), or else a root.
  /// - Parameter isRemote: the parent came in from outside of this process.
  func start(parent: SpanContext?, isRemote: Bool) -> OpenSpan?
  /// Starts a span for a part of `parent` that is over already, and began at `startTime` (CLOCK_MONOTONIC in nanoseconds).
  func startPart(of parent: OpenSpan, at startTime: UInt64) -> OpenSpan
  /// Begins to encode `span`; nil when there is no room for another span in flight.
  func record(_ span: inout OpenSpan, name: Text, kind: SpanKind, scope: InstrumentationScope) -> Recorder?
  /// Keeps what is encoded so far, for `resume` and for the relay, should the process die.
  func suspend(_ recorder: Recorder, of span: inout OpenSpan)
  /// Goes on with what `suspend` kept; nil when that is gone (a fork, a new region).
  func resume(_ span: OpenSpan) -> Recorder?
  /// - Parameter time: CLOCK_MONOTONIC in nanoseconds; 0: now.
  func end(_ recorder: Recorder, of span: OpenSpan, scope: InstrumentationScope, at time: UInt64)
  /// False: `span` was started by the process that this one was forked from, and is that one's to end.
  func isOwn(_ span: OpenSpan) -> Bool
  /// Whether the caller is a child of vfork(2), in the memory of the process that traces. Costs a system call.
  var runsInVforkChild: Bool { get }
  /// Gives `span` up: it turned out to be none.
  func discard(_ span: OpenSpan)
  /// Gives up what is in the slot that `slotNumber` named: its call never returned.
  func abandon(slot: Int)
  /// What names `span`'s slot for `abandon`, in 16 bits; 0 when it has none.
  func slotNumber(_ span: OpenSpan) -> Int
  /// How contexts are put into requests and found in them.
  var propagation: Propagation { get }
  /// `tracestate` to pass on with `span`; empty: none. Lives as long as the process.
  func traceState(_ span: OpenSpan) -> Text
  func count(_ loss: Loss)
}

/// What an instrumentation could not trace.
public enum Loss { case noSlot, unresolved, handleTableFull, nestedTooDeep, connectTableFull }
