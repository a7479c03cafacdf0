public import OTelAPI

/// Which traces are recorded. A closed set, so no existential: one compare and one branch.
/// Source: https://opentelemetry.io/docs/specs/otel/trace/sdk/#built-in-samplers
public struct Sampler {
  /// A root is sampled when the low 56 bits of its trace id are at least this: 0 always, 2^56 never. The consistent algorithm
  /// (trace/tracestate-probability-sampling.md); a higher ratio samples everything that a lower one does.
  public var threshold: UInt64
  /// Whether a parent's decision is followed. `traceidratio` and `always_*` decide for every span anew.
  public var isParentBased: Bool

  public init(threshold: UInt64, isParentBased: Bool) {
    self.threshold = threshold
    self.isParentBased = isParentBased
  }

  public static let never: UInt64 = 1 &<< 56

  @inline(__always)
  func decides(traceLow: UInt64, parent: SpanContext?) -> Bool {
    if isParentBased, let parent { return parent.isSampled }
    return traceLow & (Self.never &- 1) >= threshold
  }
}
