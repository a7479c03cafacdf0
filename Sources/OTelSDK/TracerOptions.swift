public import COTelShims
public import OTelAPI
public import OTelPrimitives

/// The SDK's configuration, set once before hooks are live and never changed. The SDK reads no environment: OTelConfigurator does.
public struct TracerOptions {
  public var sampler: Sampler
  public var limits: SpanLimits
  /// `OTEL_SDK_DISABLED`: no telemetry, but the process's parent is still passed on.
  public var isDisabled = false
  /// `OTEL_TRACES_EXPORTER` holds `otlp`, and there may be a relay.
  public var exportsToRelay = true
  /// It holds `console`.
  public var exportsToConsole = false
  /// False with `OTEL_TRACES_EXPORTER=none`: spans live and are passed on, and nobody gets them.
  @inline(__always) public var isExported: Bool { exportsToRelay || exportsToConsole }
  /// For the exporter console: where it writes, and what it says of the process.
  public var console = otel_console()
  public var resource = Resource()
  /// What the sampler says to spans that have no parent in this process, when it says the same to all: false is "never".
  public var recordsRoots: Bool {
    if isDisabled || !isExported { return false }
    if sampler.isParentBased, processParent.isValid { return processParent.isSampled }
    return sampler.threshold < Sampler.never
  }
  /// `OTEL_PROPAGATORS`, and what the environment gives to pass on.
  public var propagation = Propagation(Propagators.standard)
  /// This program died too often with the agent in it: for the rest of the process there are no spans and no headers.
  private(set) var isLeftAlone = false
  /// `TRACEPARENT` or its like: the parent of the process's root spans. Invalid: there is none.
  public var processParent: SpanContext
  /// `TRACESTATE`, when it came with a valid `TRACEPARENT`. Kept for the process's life.
  public var traceState: Text
  /// What a region needs; copied for each one that is made.
  public var region: otel_region_request
  /// Where `ProcessState` is.
  public var page: UnsafeMutableRawPointer

  public init(page: UnsafeMutableRawPointer, region: otel_region_request) {
    sampler = Sampler(threshold: 0, isParentBased: true)
    limits = SpanLimits()
    processParent = SpanContext(traceHigh: 0, traceLow: 0, spanID: 0, flags: 0)
    traceState = Text("")
    self.region = region
    self.page = page
  }

  /// The one change that there is while hooks are live. Other threads see it at once or a call later.
  mutating func leaveAlone() {
    isLeftAlone = true
    isDisabled = true
    propagation.stop()
  }

  /// The one instance's place: static, so that hooks reach it without a lazy global.
  @inline(__always)
  public static var installed: UnsafeMutablePointer<TracerOptions> {
    otel_tracer_storage().assumingMemoryBound(to: TracerOptions.self)
  }
}
