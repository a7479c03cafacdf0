import COTelHookABI
import COTelShims
import OTelInstrumentation
import OTelPrimitives

/// What a handle's options said that becomes headers: kept while the user captures request headers, and not otherwise.
struct KeptOptions {
  private let headers: UnsafeMutablePointer<otel_curl_headers>

  init(of handle: EasyHandle) { headers = handle.headers }

  /// Nil when it is not set, or empty.
  func value(_ option: otel_curl_option) -> Text? {
    let count = Int(otel_curl_option_count(headers, Int32(option.rawValue)).pointee)
    guard count > 0, count <= Int(OTEL_CURL_OPTION_TEXT) else { return nil }
    return Text(otel_curl_option_text(headers, Int32(option.rawValue)), count: count)
  }

  @inline(never)
  func clear() {
    var option: Int32 = 0
    while option < Int32(OTEL_CURL_OPTIONS.rawValue) {
      otel_curl_option_count(headers, option).pointee = 0
      option &+= 1
    }
  }

  @inline(never)
  func copy(from source: KeptOptions) { memcpy(headers, source.headers, 4 &* (2 &+ Int(OTEL_CURL_OPTION_TEXT))) }

  /// Follows an option that libcurl has accepted.
  @inline(never)
  func follow(_ option: Int32, _ value: UInt, _ settings: UnsafePointer<InstrumentationSettings>) {
    let kept: otel_curl_option
    switch Int(option) {
    case Int(OTEL_CURLOPT_USERAGENT): kept = OTEL_CURL_OPTION_AGENT
    case Int(OTEL_CURLOPT_REFERER): kept = OTEL_CURL_OPTION_REFERER
    case Int(OTEL_CURLOPT_ACCEPT_ENCODING): kept = OTEL_CURL_OPTION_ENCODING
    case Int(OTEL_CURLOPT_COOKIE): kept = OTEL_CURL_OPTION_COOKIE
    default: return
    }
    let text = UnsafePointer<CChar>(bitPattern: value).map { Text(cString: $0) } ?? Text("")
    let target = otel_curl_option_text(headers, Int32(kept.rawValue))
    let capacity = Int(OTEL_CURL_OPTION_TEXT)
    let count: Int
    switch kept {
    // What must not leave is not even stored.
    case OTEL_CURL_OPTION_COOKIE:
      count = text.isEmpty ? 0 : 1
      target[0] = 0x2a
    case OTEL_CURL_OPTION_REFERER: count = HeaderSecrecy.writeURL(text, to: target, capacity: capacity, keys: settings.pointee.queryKeys)
    default:
      count = text.count < capacity ? text.count : capacity
      memcpy(target, text.start, count)
    }
    otel_curl_option_count(headers, Int32(kept.rawValue)).pointee = UInt16(truncatingIfNeeded: count)
  }
}

extension EasyHandle {
  var headers: UnsafeMutablePointer<otel_curl_headers> { otel_curl_headers(Int32(truncatingIfNeeded: EasyHandleTable.index(of: self))) }
}
