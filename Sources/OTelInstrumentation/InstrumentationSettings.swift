public import COTelShims
public import OTelPrimitives

/// What a user has set for the instrumentations, as they need it: no environment, no parsing. Written once, before the first hook is
/// installed, and never again; zeroed, nothing is set.
///
/// Who sets nothing pays the test of one bit of `features`, which says whether a member counts.
public struct InstrumentationSettings {
  /// Bits of `features`.
  public enum Feature {
    public static let knownMethods: UInt32 = 1
    public static let sensitiveQueryKeys: UInt32 = 2
    public static let excludedURLs: UInt32 = 4
    public static let peerServices: UInt32 = 8
    public static let requestHeaders: UInt32 = 16
    public static let responseHeaders: UInt32 = 32
    public static let propagatedHosts: UInt32 = 64
    /// No context in requests that may be redirected.
    public static let noRedirects: UInt32 = 128
  }

  public var features: UInt32 = 0
  /// A list that commas separate: the methods that are recorded by name, instead of the conventions'.
  public var knownMethods = Text("")
  /// A list that commas separate: the keys of a query whose values are redacted, instead of `URLRedaction`'s own.
  public var sensitiveQueryKeys = Text("")
  /// Matched anywhere in a URL, as the program gave it.
  public var excludedURLs: PatternSet
  public var peerServices = PeerServices(Text(""))
  /// Where context is passed on to.
  public var propagatedHosts = HostList(Text(""))
  public var requestHeaders: HeaderSelection
  public var responseHeaders: HeaderSelection
  /// Names of headers, matched anywhere and in any case, whose values are redacted.
  public var redactedHeaders: PatternSet

  /// Nothing is set. Uses the storage for expressions: one instance in a process.
  public init() {
    excludedURLs = PatternSet(otel_pattern_storage(0))
    requestHeaders = HeaderSelection(patterns: PatternSet(otel_pattern_storage(1)))
    responseHeaders = HeaderSelection(patterns: PatternSet(otel_pattern_storage(2)))
    redactedHeaders = PatternSet(otel_pattern_storage(3))
  }

  /// - Parameter patterns: memory for four sets.
  package init(patterns memory: UnsafeMutableRawPointer) {
    excludedURLs = PatternSet(memory)
    requestHeaders = HeaderSelection(patterns: PatternSet(memory + PatternSet.size))
    responseHeaders = HeaderSelection(patterns: PatternSet(memory + 2 &* PatternSet.size))
    redactedHeaders = PatternSet(memory + 3 &* PatternSet.size)
  }

  /// The process's.
  @inlinable @inline(__always)
  public static var installed: UnsafeMutablePointer<InstrumentationSettings> {
    UnsafeMutableRawPointer(otel_settings_storage()).assumingMemoryBound(to: InstrumentationSettings.self)
  }

  /// For `URLRedaction`; nil: its own.
  @inline(__always)
  public var queryKeys: Text? { has(Feature.sensitiveQueryKeys) ? sensitiveQueryKeys : nil }

  /// Whether the user excludes a request to this URL.
  public func excludes(_ url: RequestURL) -> Bool {
    excludedURLs.matchesPart(of: url.text, behind: url.hasScheme ? Text("") : Text("http://"))
  }

  /// Whether `method` is recorded by name.
  @inline(__always)
  public func isKnown(method: Text) -> Bool {
    has(Feature.knownMethods) ? HTTPMethod.isKnown(method, in: knownMethods) : HTTPMethod.isKnown(method)
  }

  @inlinable @inline(__always)
  public func has(_ feature: UInt32) -> Bool { features & feature != 0 }
}
