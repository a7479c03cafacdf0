import COTelHookABI
import OTelAPI
import OTelInstrumentation
import OTelPrimitives
import OTelSemanticConventions

/// The HTTP client span of one transfer.
/// Source: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span (stable).
struct TransferSpan {
  let handle: EasyHandle?
  let library: UnsafePointer<otel_curl_library>
  let easy: UnsafeMutableRawPointer
  let settings: UnsafePointer<InstrumentationSettings>
  /// Whether the URL was known at the start: the options may have changed since.
  let hasURL: Bool

  /// "{method}", and never the path; `HTTP` for a method that nobody knows.
  @inline(__always)
  var name: Text {
    guard let handle else { return Text("HTTP") }
    return isKnown(handle) ? handle.method : Text("HTTP")
  }

  @inline(__always)
  private func isKnown(_ handle: EasyHandle) -> Bool {
    settings.pointee.has(InstrumentationSettings.Feature.knownMethods) ? settings.pointee.isKnown(method: handle.method) : handle.hasKnownMethod
  }

  /// What is known before the request: what samplers may look at. Out of line: the end writes it too, when the start found no slot.
  /// - Parameter hasHeaders: the program's list of headers is there.
  @inline(never)
  func writeStart<A: SpanAttributes>(_ attributes: inout A, hasHeaders: Bool) {
    guard let handle else { return }
    if isKnown(handle) {
      attributes.set(Attribute.httpRequestMethod, ascii: handle.method)
    } else {
      attributes.set(Attribute.httpRequestMethod, ascii: Text("_OTHER"))
      attributes.set(Attribute.httpRequestMethodOriginal, handle.method)
    }
    if hasURL { writeURL(handle, &attributes) }
    if hasHeaders, settings.pointee.has(InstrumentationSettings.Feature.requestHeaders) {
      RequestHeaders(handle: handle, settings: settings).write(&attributes)
    }
  }

  @inline(__always)
  private func writeURL<A: SpanAttributes>(_ handle: EasyHandle, _ attributes: inout A) {
    if handle.record.pointee.url_is_ascii != 0 {
      attributes.set(Attribute.urlFull, ascii: handle.url)
      attributes.set(Attribute.serverAddress, ascii: handle.serverAddress)
    } else {
      attributes.set(Attribute.urlFull, handle.url)
      attributes.set(Attribute.serverAddress, handle.serverAddress)
    }
    attributes.set(Attribute.serverPort, Int64(handle.record.pointee.port))
    if settings.pointee.has(InstrumentationSettings.Feature.peerServices) {
      writePeerService(&attributes, handle.serverAddress, Int(truncatingIfNeeded: handle.record.pointee.port))
    }
  }

  @inline(never)
  private func writePeerService<A: SpanAttributes>(_ attributes: inout A, _ host: Text, _ port: Int) {
    if let name = settings.pointee.peerServices.name(of: host, port: port) { attributes.set(Attribute.servicePeerName, name) }
  }

  /// Of a transfer whose URL was not known when it started: whether it was no HTTP request, or one that the user excludes.
  var isNone: Bool {
    guard !hasURL, let url = effectiveURL else { return false }
    guard let parts = RequestURL(Text(cString: url)) else { return true }
    return settings.pointee.has(InstrumentationSettings.Feature.excludedURLs) && settings.pointee.excludes(parts)
  }

  /// What libcurl says that it requested, unless it is known to say another one.
  private var effectiveURL: UnsafePointer<CChar>? {
    if let handle, handle.record.pointee.url_sources == URLSource.text | URLSource.parts { return nil }
    return otel_curl_string(library, easy, Int32(OTEL_CURLINFO_EFFECTIVE_URL))
  }

  /// What libcurl tells after it.
  @inline(never)
  func writeEnd<A: SpanAttributes>(_ attributes: inout A, result: Int32) {
    if handle == nil { writeMethodAfterwards(&attributes) }
    if let handle, !hasURL { writeURLAfterwards(handle, &attributes) }
    let status = otel_curl_number(library, easy, Int32(OTEL_CURLINFO_RESPONSE_CODE))
    if status > 0 { attributes.set(Attribute.httpResponseStatusCode, Int64(status)) }
    if handle?.mayResend ?? true {
      let redirects = otel_curl_number(library, easy, Int32(OTEL_CURLINFO_REDIRECT_COUNT))
      if redirects > 0 { attributes.set(Attribute.httpRequestResendCount, Int64(redirects)) }
    }
    if let peer = otel_curl_string(library, easy, Int32(OTEL_CURLINFO_PRIMARY_IP)) {
      let address = Text(cString: peer, limit: 64)
      if address[0] == 0x2f {
        // Of a unix socket it is the path (libcurl's Curl_addr2string), which may be any bytes. Some versions name the URL's port with it.
        attributes.set(Attribute.networkPeerAddress, address)
      } else if !address.isEmpty {
        attributes.set(Attribute.networkPeerAddress, ascii: address)
        let port = otel_curl_number(library, easy, Int32(OTEL_CURLINFO_PRIMARY_PORT))
        if port > 0 { attributes.set(Attribute.networkPeerPort, Int64(port)) }
      }
    }
    switch otel_curl_number(library, easy, Int32(OTEL_CURLINFO_HTTP_VERSION)) {
    case 1: attributes.set(Attribute.networkProtocolVersion, ascii: Text("1.0"))
    case 2: attributes.set(Attribute.networkProtocolVersion, ascii: Text("1.1"))
    case 3: attributes.set(Attribute.networkProtocolVersion, ascii: Text("2"))
    case 30: attributes.set(Attribute.networkProtocolVersion, ascii: Text("3"))
    default: break
    }
    if settings.pointee.has(InstrumentationSettings.Feature.responseHeaders), let handle {
      ResponseHeaders(handle: handle, library: library, easy: easy, settings: settings).write(&attributes)
    }
    if status >= 400 {
      writeStatusError(&attributes, status)
    } else if result != OTEL_CURLE_OK, let error = status > 0 ? TransferError.name(result) : errorBeforeResponse(result) {
      attributes.set(Attribute.errorType, ascii: Text(error))
      attributes.setError()
    }
  }

  /// A proxy that refuses to connect through is a failure to send or to receive (7, 56) to libcurl.
  @inline(never)
  private func errorBeforeResponse(_ result: Int32) -> StaticString? {
    let name = TransferError.name(result)
    return name != nil && otel_curl_number(library, easy, Int32(OTEL_CURLINFO_HTTP_CONNECTCODE)) >= 300 ? "proxy_tunnel_error" : name
  }

  @inline(never)
  private func writeStatusError<A: SpanAttributes>(_ attributes: inout A, _ status: Int) {
    var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
    withUnsafeMutableBytes(of: &digits) { buffer in
      guard let start = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
      let count = Decimal.write(UInt64(truncatingIfNeeded: status), to: start)
      attributes.set(Attribute.errorType, ascii: Text(start, count: count))
    }
    attributes.setError()
  }

  /// A URL that was not seen before (CURLOPT_CURLU, a default protocol): libcurl's own, after it was normalised.
  @inline(never)
  private func writeURLAfterwards<A: SpanAttributes>(_ handle: EasyHandle, _ attributes: inout A) {
    guard let url = effectiveURL else { return }
    handle.keep(Text(cString: url), settings)
    if handle.hasURL { writeURL(handle, &attributes) }
    handle.expectAnyURL(settings)
  }

  /// A handle without a record: what can be asked afterwards. Its URL would need room to be redacted in.
  @inline(never)
  private func writeMethodAfterwards<A: SpanAttributes>(_ attributes: inout A) {
    guard let string = otel_curl_string(library, easy, Int32(OTEL_CURLINFO_EFFECTIVE_METHOD)) else { return }
    let method = Text(cString: string, limit: 64)
    if settings.pointee.isKnown(method: method) {
      attributes.set(Attribute.httpRequestMethod, ascii: method)
    } else {
      attributes.set(Attribute.httpRequestMethod, ascii: Text("_OTHER"))
      attributes.set(Attribute.httpRequestMethodOriginal, method)
    }
    guard let url = effectiveURL else { return }
    let text = Text(cString: url)
    guard text.count < Text.cStringLimit, let parts = RequestURL(text) else { return }
    attributes.set(Attribute.serverAddress, parts.serverAddress)
    attributes.set(Attribute.serverPort, Int64(parts.serverPort))
    if settings.pointee.has(InstrumentationSettings.Feature.peerServices) { writePeerService(&attributes, parts.serverAddress, parts.serverPort) }
    // Of the program's stack, of which libcurl's functions get no more than 2 KiB.
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 512) { buffer in
      guard let start = buffer.baseAddress else { return }
      let written = URLRedaction.write(parts, to: start, capacity: 512, keys: settings.pointee.queryKeys)
      attributes.set(Attribute.urlFull, Text(start, count: written.count))
    }
  }
}
