import COTelHookABI
import COTelShims
import OTelInstrumentation
import OTelPrimitives

/// What is kept of options for `RequestHeaders`, while the user captures request headers.
extension EasyHandle {
  private func option(_ kept: otel_curl_kept) -> UnsafeMutablePointer<otel_curl_kept_option> {
    otel_curl_kept_option(Int32(truncatingIfNeeded: EasyHandleTable.index(of: self)), Int32(truncatingIfNeeded: kept.rawValue))
  }

  /// Nil when it is not set, or empty.
  func kept(_ kept: otel_curl_kept) -> Text? {
    let option = option(kept)
    let count = Int(option.pointee.count)
    return count > 0 && count <= Int(OTEL_CURL_KEPT_TEXT) ? Text(otel_curl_kept_text(option), count: count) : nil
  }

  @inline(never)
  func forgetKept() {
    option(OTEL_CURL_KEPT_AGENT).pointee.count = 0
    option(OTEL_CURL_KEPT_REFERER).pointee.count = 0
    option(OTEL_CURL_KEPT_ENCODING).pointee.count = 0
    option(OTEL_CURL_KEPT_COOKIE).pointee.count = 0
  }

  @inline(never)
  func copyKept(from source: EasyHandle) {
    memcpy(option(OTEL_CURL_KEPT_AGENT), source.option(OTEL_CURL_KEPT_AGENT), Int(OTEL_CURL_KEPT.rawValue) &* MemoryLayout<otel_curl_kept_option>.stride)
  }

  /// Follows an option that libcurl has accepted.
  @inline(never)
  func keep(_ option: Int32, _ value: UInt, _ settings: UnsafePointer<InstrumentationSettings>) {
    let kept: otel_curl_kept
    switch Int(option) {
    case Int(OTEL_CURLOPT_USERAGENT): kept = OTEL_CURL_KEPT_AGENT
    case Int(OTEL_CURLOPT_REFERER): kept = OTEL_CURL_KEPT_REFERER
    case Int(OTEL_CURLOPT_ACCEPT_ENCODING): kept = OTEL_CURL_KEPT_ENCODING
    case Int(OTEL_CURLOPT_COOKIE): kept = OTEL_CURL_KEPT_COOKIE
    default: return
    }
    let record = self.option(kept)
    record.pointee.count = 0
    guard let string = UnsafePointer<CChar>(bitPattern: value) else { return }
    let text = Text(cString: string)
    let target = otel_curl_kept_text(record)
    let capacity = Int(OTEL_CURL_KEPT_TEXT)
    let count: Int
    switch kept {
    // What must not leave is not even stored.
    case OTEL_CURL_KEPT_COOKIE:
      count = text.isEmpty ? 0 : 1
      target[0] = 0x2a
    case OTEL_CURL_KEPT_REFERER: count = HeaderSecrecy.writeURL(text, to: target, capacity: capacity, keys: settings.pointee.queryKeys)
    default:
      count = text.count < capacity ? text.count : capacity
      memcpy(target, text.start, count)
    }
    record.pointee.count = UInt16(truncatingIfNeeded: count)
  }

  /// As libcurl sends it: the host, and the port unless it is the scheme's own.
  var hostHeader: Text {
    let url = url
    let first = Int(truncatingIfNeeded: record.pointee.host_start)
    let isBracketed = url[first &- 1] == 0x5b
    let start = isBracketed ? first &- 1 : first
    var end = first &+ Int(truncatingIfNeeded: record.pointee.host_count) &+ (isBracketed ? 1 : 0)
    let port = record.pointee.port
    guard port != (url.slice(0, 5).equalsIgnoringCase("https") ? 443 : 80) else { return url.slice(start, end) }
    while end < url.count, url[end] != 0x2f, url[end] != 0x3f, url[end] != 0x23 { end &+= 1 }
    return url.slice(start, end)
  }
}
