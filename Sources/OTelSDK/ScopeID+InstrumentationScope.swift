import OTelAPI
import OTelRegion

extension ScopeID {
  /// The number of a scope in records.
  @inline(__always)
  init(_ scope: InstrumentationScope) {
    switch scope {
    case .curl: self = .curl
    case .sockets: self = .sockets
    case .dns: self = .dns
    }
  }
}

extension RecordTag {
  /// Of a span.
  @inline(__always)
  init(_ scope: InstrumentationScope) { self.init(.traces, scope: ScopeID(scope)) }
}
