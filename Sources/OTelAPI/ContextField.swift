public import OTelPrimitives

/// A field that context travels in: a header of a request, or a variable of the environment.
public enum ContextField: UInt8, Sendable {
  case traceParent, traceState, baggage, b3, b3TraceID, b3SpanID, b3Sampled, b3Flags, b3ParentSpanID, uberTraceID, amznTraceID, otTraceID, otSpanID,
    otSampled

  public static var count: Int { 14 }

  /// As it is sent.
  @inline(never)
  public var name: Text {
    switch self {
    case .traceParent: Text("traceparent")
    case .traceState: Text("tracestate")
    case .baggage: Text("baggage")
    case .b3: Text("b3")
    case .b3TraceID: Text("X-B3-TraceId")
    case .b3SpanID: Text("X-B3-SpanId")
    case .b3Sampled: Text("X-B3-Sampled")
    case .b3Flags: Text("X-B3-Flags")
    case .b3ParentSpanID: Text("X-B3-ParentSpanId")
    case .uberTraceID: Text("uber-trace-id")
    case .amznTraceID: Text("X-Amzn-Trace-Id")
    case .otTraceID: Text("ot-tracer-traceid")
    case .otSpanID: Text("ot-tracer-spanid")
    case .otSampled: Text("ot-tracer-sampled")
    }
  }

  /// The field that a line of a libcurl header list names: `Name: value`, or `Name;` for one that is sent empty. In any case of letters.
  @inline(never)
  public static func named(header: Text) -> ContextField? {
    var index: UInt8 = 0
    while let field = ContextField(rawValue: index) {
      let name = field.name
      let end = header[name.count]
      if end == 0x3a || end == 0x3b, header.slice(0, name.count).equalsIgnoringCase(name) { return field }
      index &+= 1
    }
    return nil
  }

  /// The field that an entry of the environment, `NAME=value`, is. Names are normalised as the specification says: ASCII letters in upper
  /// case, `_` for every other character (context/env-carriers.md); a name in lower case is none.
  @inline(never)
  public static func named(environment entry: Text) -> ContextField? {
    var index: UInt8 = 0
    while let field = ContextField(rawValue: index) {
      let name = field.name
      if entry[name.count] == 0x3d {
        var at = 0
        while at < name.count, entry[at] == normalised(name[at]) { at &+= 1 }
        if at == name.count { return field }
      }
      index &+= 1
    }
    return nil
  }

  private static func normalised(_ byte: UInt8) -> UInt8 { byte == 0x2d ? 0x5f : byte &- 0x61 < 26 ? byte &- 0x20 : byte }
}

/// A set of fields. A value of one word.
public struct ContextFieldSet {
  private var bits: UInt32

  public init() { bits = 0 }

  /// Those from `first` to `last`, as they are declared.
  @inline(__always)
  public init(from first: ContextField, through last: ContextField) {
    bits = (2 &<< UInt32(last.rawValue)) &- (1 &<< UInt32(first.rawValue))
  }

  @inline(__always) public var isEmpty: Bool { bits == 0 }
  @inline(__always) public func contains(_ field: ContextField) -> Bool { bits & 1 &<< UInt32(field.rawValue) != 0 }
  @inline(__always) public mutating func insert(_ field: ContextField) { bits |= 1 &<< UInt32(field.rawValue) }
  @inline(__always) public mutating func formUnion(_ other: ContextFieldSet) { bits |= other.bits }
  @inline(__always) func isSubset(of other: ContextFieldSet) -> Bool { bits & ~other.bits == 0 }
  @inline(__always) public func intersection(_ other: ContextFieldSet) -> ContextFieldSet {
    var both = self
    both.bits &= other.bits
    return both
  }
}
