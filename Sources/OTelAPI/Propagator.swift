public import OTelPrimitives

/// A format in which context is read and passed on. Source: https://opentelemetry.io/docs/specs/otel/context/api-propagators/
public enum Propagator: UInt8, Sendable {
  case traceContext = 1, baggage, b3, b3multi, jaeger, xray, ottrace

  /// As `OTEL_PROPAGATORS` calls it, in any case.
  @inline(never)
  public init?(_ name: Text) {
    var number: UInt8 = 1
    while let propagator = Propagator(rawValue: number) {
      if name.equalsIgnoringCase(propagator.name) {
        self = propagator
        return
      }
      number &+= 1
    }
    return nil
  }

  @inline(never)
  private var name: Text {
    switch self {
    case .traceContext: Text("tracecontext")
    case .baggage: Text("baggage")
    case .b3: Text("b3")
    case .b3multi: Text("b3multi")
    case .jaeger: Text("jaeger")
    case .xray: Text("xray")
    case .ottrace: Text("ottrace")
    }
  }

  /// The fields that say which span it is, as a set.
  @inline(never)
  var identity: ContextFieldSet {
    switch self {
    case .traceContext: ContextFieldSet(from: .traceParent, through: .traceParent)
    case .baggage: ContextFieldSet()
    case .b3, .b3multi: ContextFieldSet(from: .b3, through: .b3ParentSpanID)
    case .jaeger: ContextFieldSet(from: .uberTraceID, through: .uberTraceID)
    case .xray: ContextFieldSet(from: .amznTraceID, through: .amznTraceID)
    case .ottrace: ContextFieldSet(from: .otTraceID, through: .otSampled)
    }
  }
}

/// The configured formats, each once, in the order in which they are asked. A value of one word.
public struct Propagators {
  /// Four bits each, the first one lowest.
  private var order: UInt32

  /// None.
  public init() { order = 0 }
  private init(order: UInt32) { self.order = order }

  /// What the specification has for a default.
  public static var standard: Propagators { Propagators(order: UInt32(Propagator.traceContext.rawValue) | UInt32(Propagator.baggage.rawValue) &<< 4) }

  @inline(__always) public var isEmpty: Bool { order == 0 }
  /// Nothing but `standard`.
  @inline(__always) public var isStandard: Bool { order == Self.standard.order }

  /// Adds one behind the others, unless it is there.
  @inline(never)
  public mutating func append(_ propagator: Propagator) {
    var (rest, shift) = (order, UInt32(0))
    while rest != 0 {
      if rest & 15 == UInt32(propagator.rawValue) { return }
      rest &>>= 4
      shift &+= 4
    }
    order |= UInt32(propagator.rawValue) &<< shift
  }

  /// Takes the first one out.
  @inline(__always)
  public mutating func next() -> Propagator? {
    let first = Propagator(rawValue: UInt8(truncatingIfNeeded: order & 15))
    order &>>= 4
    return first
  }

  /// The fields that any of them says a span's identity in.
  @inline(never)
  public func identity() -> ContextFieldSet {
    var (rest, fields) = (self, ContextFieldSet())
    while let propagator = rest.next() { fields.formUnion(propagator.identity) }
    return fields
  }

  public func contains(_ propagator: Propagator) -> Bool {
    var rest = self
    while let next = rest.next() { if next == propagator { return true } }
    return false
  }

  /// The span that `fields` say; nil: none. Each format is asked in turn, so that a later one which finds a span has the last word, and one
  /// which finds none changes nothing ("composite propagator").
  /// - Returns: the context, and whether `tracestate` goes with it.
  @inline(never)
  public func extract(_ fields: ContextFields) -> (context: SpanContext, isTraceContext: Bool)? {
    var rest = self
    var found: (context: SpanContext, isTraceContext: Bool)?
    while let propagator = rest.next() {
      let context: SpanContext?
      switch propagator {
      case .traceContext: context = TraceParent.parse(fields[.traceParent])
      case .baggage: context = nil
      case .b3, .b3multi: context = B3.parse(fields)
      case .jaeger: context = UberTraceID.parse(fields[.uberTraceID])
      case .xray: context = AmznTraceID.parse(fields[.amznTraceID])
      case .ottrace: context = OTTrace.parse(trace: fields[.otTraceID], span: fields[.otSpanID], sampled: fields[.otSampled])
      }
      if let context { found = (context, propagator == .traceContext) }
    }
    return found
  }
}
