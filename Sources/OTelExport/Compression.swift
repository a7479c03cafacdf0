import CZlib

/// `OTEL_EXPORTER_OTLP_COMPRESSION`: how a request's body is sent.
package enum Compression: Hashable {
  case none
  case gzip

  /// A request as it is sent; nil when there is no memory to compress it.
  func encoded(_ request: [UInt8]) -> [UInt8]? {
    guard self == .gzip else { return request }
    let capacity = czlib_gzip_bound(request.count)
    let compressed = [UInt8](unsafeUninitializedCapacity: capacity) { target, length in
      guard let start = target.baseAddress else { return }
      // An empty array may have no address; deflate then reads nothing from this one either.
      length = request.withUnsafeBytes { czlib_gzip($0.baseAddress ?? UnsafeRawPointer(start), $0.count, start, capacity) }
    }
    return compressed.isEmpty ? nil : compressed
  }
}
