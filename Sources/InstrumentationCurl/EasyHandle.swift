public import COTelHookABI
import COTelShims
import OTelInstrumentation
public import OTelPrimitives

/// What `url` of a handle's record says.
enum URLKind {
  static let unknown: UInt8 = 0
  static let http: UInt8 = 1
  /// ftp, file …: no HTTP request.
  static let other: UInt8 = 2
  /// HTTP, and excluded by the user. From `other` on no span is made.
  static let excluded: UInt8 = 3
}

/// What of `url_sources` are bits: who says the URL. With both, CURLOPT_CURLU counts, and libcurl tells the other one (lib/transfer.c).
enum URLSource {
  static let text: UInt8 = 1
  static let parts: UInt8 = 2
}

enum RequestMethod {
  static let get: UInt8 = 0
  static let post: UInt8 = 1
  static let put: UInt8 = 2
  static let head: UInt8 = 3
  /// POST, with a body in parts.
  static let form: UInt8 = 4
}

/// What `proxy` of a handle's record says.
enum ProxyChoice {
  /// None was set: libcurl asks the environment.
  static let environment: UInt8 = 0
  static let none: UInt8 = 1
  static let own: UInt8 = 2
}

/// The record of one easy handle: follows `curl_easy_setopt` as far as a request's start must be known before libcurl makes it.
///
/// libcurl forbids the use of one handle by two threads at once (libcurl-thread(3)), so that records need no lock.
public struct EasyHandle {
  public let record: UnsafeMutablePointer<otel_curl_handle>

  @inline(__always)
  init(_ record: UnsafeMutablePointer<otel_curl_handle>) { self.record = record }

  /// As `curl_easy_init` and `curl_easy_reset` leave its options.
  func clear() {
    record.pointee.headers = nil
    record.pointee.url_kind = URLKind.unknown
    record.pointee.url_count = 0
    record.pointee.url_sources = 0
    record.pointee.port_option = 0
    record.pointee.method = RequestMethod.get
    record.pointee.no_body = 0
    record.pointee.custom_method_count = 0
    record.pointee.forbids_headers = 0
    record.pointee.follows = 0
    record.pointee.authenticates = 0
    record.pointee.has_exporter_agent = 0
    record.pointee.default_protocol = 0
    record.pointee.connects_only = 0
    record.pointee.proxy = ProxyChoice.environment
    record.pointee.injecting = 0
  }

  /// As `curl_easy_duphandle` makes it: the options, not the state.
  func copyOptions(from source: EasyHandle) {
    let from = source.record
    record.pointee.headers = from.pointee.headers
    record.pointee.url_kind = from.pointee.url_kind
    record.pointee.url_count = from.pointee.url_count
    record.pointee.host_start = from.pointee.host_start
    record.pointee.host_count = from.pointee.host_count
    record.pointee.port = from.pointee.port
    record.pointee.url_port = from.pointee.url_port
    record.pointee.port_option = from.pointee.port_option
    record.pointee.lacks_scheme = from.pointee.lacks_scheme
    record.pointee.url_sources = from.pointee.url_sources
    record.pointee.method = from.pointee.method
    record.pointee.no_body = from.pointee.no_body
    record.pointee.custom_method_count = from.pointee.custom_method_count
    record.pointee.custom_method_is_known = from.pointee.custom_method_is_known
    record.pointee.url_is_ascii = from.pointee.url_is_ascii
    record.pointee.forbids_headers = from.pointee.forbids_headers
    record.pointee.follows = from.pointee.follows
    record.pointee.authenticates = from.pointee.authenticates
    record.pointee.has_exporter_agent = from.pointee.has_exporter_agent
    record.pointee.default_protocol = from.pointee.default_protocol
    record.pointee.connects_only = from.pointee.connects_only
    record.pointee.proxy = from.pointee.proxy
    record.pointee.injecting = 0
    memcpy(otel_curl_url(record), otel_curl_url(from), Int(truncatingIfNeeded: from.pointee.url_count))
    memcpy(otel_curl_custom_method(record), otel_curl_custom_method(from), Int(truncatingIfNeeded: OTEL_CURL_METHOD))
  }

  /// Follows one option that libcurl has accepted. What the methods do to each other is libcurl's (lib/setopt.c).
  func follow(_ option: Int, _ value: UInt, _ settings: UnsafePointer<InstrumentationSettings> = UnsafePointer(InstrumentationSettings.installed)) {
    let isSet = value != 0
    switch option {
    case Int(OTEL_CURLOPT_URL): setURL(value, settings)
    case Int(OTEL_CURLOPT_CURLU):
      setSource(URLSource.parts, isSet)
      forgetURL(settings)
    case Int(OTEL_CURLOPT_DEFAULT_PROTOCOL):
      record.pointee.default_protocol = isSet ? 1 : 0
      if isSet, record.pointee.url_kind != URLKind.unknown, record.pointee.lacks_scheme != 0 { forgetURL(settings) }
    case Int(OTEL_CURLOPT_PORT):
      record.pointee.port_option = value <= 65535 ? UInt16(truncatingIfNeeded: value) : 0
      if hasURL { replacePort() }
    case Int(OTEL_CURLOPT_HTTPHEADER):
      record.pointee.headers = UnsafeMutablePointer<otel_header_list>(bitPattern: value)
    case Int(OTEL_CURLOPT_HEADEROPT): forbidHeaders(HeaderObstacle.unified, value == UInt(OTEL_CURLHEADER_UNIFIED))
    case Int(OTEL_CURLOPT_AWS_SIGV4): forbidHeaders(HeaderObstacle.signature, UnsafePointer<CChar>(bitPattern: value).map { $0[0] != 0 } ?? false)
    // Alone: among others (CURLAUTH_ANY) it is the last that libcurl would choose, and then needs the option above.
    case Int(OTEL_CURLOPT_HTTPAUTH):
      forbidHeaders(HeaderObstacle.authentication, value == UInt(OTEL_CURLAUTH_AWS_SIGV4))
      setAuthentication(0x1, value)
    case Int(OTEL_CURLOPT_PROXYAUTH): setAuthentication(0x2, value)
    case Int(OTEL_CURLOPT_FOLLOWLOCATION):
      record.pointee.follows = isSet ? 1 : 0
      forbidHeaders(HeaderObstacle.redirect, isSet && settings.pointee.has(InstrumentationSettings.Feature.noRedirects))
    case Int(OTEL_CURLOPT_CUSTOMREQUEST): setCustomMethod(value)
    // 2 asks for a WebSocket, which begins with a request.
    case Int(OTEL_CURLOPT_CONNECT_ONLY): record.pointee.connects_only = value == 1 ? 1 : 0
    case Int(OTEL_CURLOPT_PROXY): setProxy(value)
    case Int(OTEL_CURLOPT_USERAGENT):
      let agent = UnsafePointer<CChar>(bitPattern: value).map { Text(cString: $0, limit: 64) }
      record.pointee.has_exporter_agent = agent.map { OtherSDK.isExporter($0) } ?? false ? 1 : 0
    case Int(OTEL_CURLOPT_NOBODY):
      record.pointee.no_body = isSet ? 1 : 0
      if isSet { record.pointee.method = RequestMethod.head } else if record.pointee.method == RequestMethod.head { record.pointee.method = RequestMethod.get }
    case Int(OTEL_CURLOPT_HTTPGET):
      if isSet { setMethod(RequestMethod.get) }
    case Int(OTEL_CURLOPT_POST): setMethod(isSet ? RequestMethod.post : RequestMethod.get, keepsNoBody: !isSet)
    case Int(OTEL_CURLOPT_UPLOAD), Int(OTEL_CURLOPT_PUT): setMethod(isSet ? RequestMethod.put : RequestMethod.get, keepsNoBody: !isSet)
    case Int(OTEL_CURLOPT_POSTFIELDS), Int(OTEL_CURLOPT_COPYPOSTFIELDS): setMethod(RequestMethod.post, keepsNoBody: true)
    case Int(OTEL_CURLOPT_HTTPPOST), Int(OTEL_CURLOPT_MIMEPOST): setMethod(RequestMethod.form, keepsNoBody: !isSet)
    default: break
    }
  }

  private func forbidHeaders(_ obstacle: UInt8, _ isThere: Bool) {
    record.pointee.forbids_headers = record.pointee.forbids_headers & ~obstacle | (isThere ? obstacle : 0)
  }

  private func setAuthentication(_ side: UInt8, _ schemes: UInt) {
    record.pointee.authenticates = record.pointee.authenticates & ~side | (schemes & ~UInt(OTEL_CURLAUTH_BASIC) != 0 ? side : 0)
  }

  /// Whether libcurl may make more than one request of it: what has a body it sends again when the server takes no `Expect` (status 417).
  @inline(__always)
  var mayResend: Bool {
    record.pointee.follows | record.pointee.authenticates != 0 || record.pointee.method != RequestMethod.get && record.pointee.method != RequestMethod.head
  }

  private func setMethod(_ method: UInt8, keepsNoBody: Bool = false) {
    record.pointee.method = method
    if !keepsNoBody { record.pointee.no_body = 0 }
  }

  private func setCustomMethod(_ value: UInt) {
    record.pointee.custom_method_count = 0
    guard let string = UnsafePointer<CChar>(bitPattern: value) else { return }
    let method = Text(cString: string, limit: Int(OTEL_CURL_METHOD))
    memcpy(otel_curl_custom_method(record), method.start, method.count)
    record.pointee.custom_method_count = UInt8(truncatingIfNeeded: method.count)
    record.pointee.custom_method_is_known = HTTPMethod.isKnown(method) ? 1 : 0
  }

  private func setProxy(_ value: UInt) {
    guard let string = UnsafePointer<CChar>(bitPattern: value) else { return record.pointee.proxy = ProxyChoice.environment }
    record.pointee.proxy = string.pointee == 0 ? ProxyChoice.none : ProxyChoice.own
  }

  private func setSource(_ source: UInt8, _ isThere: Bool) {
    record.pointee.url_sources = record.pointee.url_sources & ~source | (isThere ? source : 0)
  }

  /// Of the request to come nothing is known before libcurl tells, after it.
  private func forgetURL(_ settings: UnsafePointer<InstrumentationSettings>) {
    record.pointee.url_count = 0
    forbidHeaders(HeaderObstacle.url, false)
    expectAnyURL(settings)
  }

  /// The same, of a request that is over, whose URL is kept for what is still to be told of it.
  func expectAnyURL(_ settings: UnsafePointer<InstrumentationSettings>) {
    record.pointee.url_kind = URLKind.unknown
    forbidHeaders(HeaderObstacle.host, settings.pointee.has(InstrumentationSettings.Feature.propagatedHosts))
  }

  private func setURL(_ value: UInt, _ settings: UnsafePointer<InstrumentationSettings>) {
    setSource(URLSource.text, value != 0)
    forgetURL(settings)
    guard record.pointee.url_sources == URLSource.text, let string = UnsafePointer<CChar>(bitPattern: value) else { return }
    keep(Text(cString: string), settings)
  }

  /// Keeps `text` redacted: what must not leave is not even stored.
  func keep(_ text: Text, _ settings: UnsafePointer<InstrumentationSettings>) {
    // Cut within its userinfo, a password would pass for a host.
    guard text.count < Text.cStringLimit else { return }
    let parts = RequestURL(text)
    let hasScheme = parts?.hasScheme ?? RequestURL.hasScheme(text)
    record.pointee.lacks_scheme = hasScheme ? 0 : 1
    // Without a scheme the default protocol decides; libcurl tells its choice after the transfer.
    if !hasScheme, record.pointee.default_protocol != 0 { return }
    guard let parts else {
      record.pointee.url_kind = URLKind.other
      return
    }
    if settings.pointee.has(InstrumentationSettings.Feature.excludedURLs), settings.pointee.excludes(parts) {
      record.pointee.url_kind = URLKind.excluded
      return
    }
    let written = URLRedaction.write(parts, to: otel_curl_url(record), capacity: Int(OTEL_CURL_URL), keys: settings.pointee.queryKeys)
    record.pointee.url_count = UInt16(truncatingIfNeeded: written.count)
    record.pointee.host_start = UInt16(truncatingIfNeeded: written.hostStart)
    record.pointee.host_count = UInt16(truncatingIfNeeded: parts.serverAddress.count)
    record.pointee.port = UInt16(truncatingIfNeeded: parts.serverPort)
    record.pointee.url_port = record.pointee.port
    if record.pointee.port_option != 0 { replacePort() }
    record.pointee.url_is_ascii = UTF8Measure.isASCII(url) ? 1 : 0
    record.pointee.url_kind = URLKind.http
    forbidHeaders(HeaderObstacle.url, written.isSigned || HeaderObstacle.isMetadataService(parts.serverAddress))
    if settings.pointee.has(InstrumentationSettings.Feature.propagatedHosts) {
      forbidHeaders(HeaderObstacle.host, !settings.pointee.propagatedHosts.contains(parts.serverAddress))
    }
  }

  /// Writes the port that CURLOPT_PORT says into the URL, or, when it says none any more, the URL's own.
  @inline(never)
  private func replacePort() {
    let port = record.pointee.port_option != 0 ? record.pointee.port_option : record.pointee.url_port
    record.pointee.port = port
    let url = url
    var start = Int(truncatingIfNeeded: record.pointee.host_start) &+ Int(truncatingIfNeeded: record.pointee.host_count)
    if url[start] == 0x5d { start &+= 1 }
    var end = start
    if url[end] == 0x3a { end &+= 1 }
    while end > start, url[end] &- 0x30 < 10 { end &+= 1 }
    var text: (UInt64, UInt64, UInt64) = (0, 0, 0)
    withUnsafeMutableBytes(of: &text) { buffer in
      guard let digits = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), start <= url.count else { return }
      digits[0] = 0x3a
      let size = port == (isSecure ? 443 : 80) ? 0 : 1 &+ Decimal.write(UInt64(port), to: digits + 1)
      let capacity = Int(OTEL_CURL_URL)
      guard start &+ size <= capacity else { return }
      let rest = url.count &- end < capacity &- start &- size ? url.count &- end : capacity &- start &- size
      let place = otel_curl_url(record) + start
      memmove(place + size, url.start + end, rest)
      memcpy(place, digits, size)
      record.pointee.url_count = UInt16(truncatingIfNeeded: start &+ size &+ rest)
    }
  }

  /// How far a header list is followed. Longer ones are taken to end in a circle.
  static var longestList: Int { 1024 }

  /// Calls `body` with each header of the program's own list.
  @inline(__always)
  func forEachHeader(_ body: (UnsafePointer<CChar>) -> Void) {
    var node = record.pointee.headers
    var steps = 0
    while let current = node, steps < Self.longestList {
      if let text = current.pointee.text { body(text) }
      node = current.pointee.next
      steps &+= 1
    }
  }

  /// Whether `url` is known, and HTTP.
  @inline(__always)
  var hasURL: Bool { record.pointee.url_kind == URLKind.http }

  /// Whether a transfer will be no HTTP request: another protocol, or a connection that the program uses itself.
  @inline(__always)
  var makesNoRequest: Bool { record.pointee.url_kind == URLKind.other || record.pointee.connects_only != 0 }

  /// Whether the user excludes its URL, and it does not run in a multi handle.
  @inline(__always)
  var isExcluded: Bool { record.pointee.url_kind == URLKind.excluded && !isAdded }

  /// Whether it runs in a multi handle, and is traced.
  @inline(__always)
  var isAdded: Bool { record.pointee.transfer.state != 0 }

  /// Whether a traced transfer runs, by either interface.
  @inline(__always)
  var isTransferring: Bool { isAdded || record.pointee.injecting != 0 }

  /// `url.full`.
  @inline(__always)
  var url: Text { Text(otel_curl_url(record), count: Int(truncatingIfNeeded: record.pointee.url_count)) }

  var isSecure: Bool { url.slice(0, 6).equalsIgnoringCase("https:") || url.slice(0, 4).equalsIgnoringCase("wss:") }

  @inline(__always)
  var serverAddress: Text {
    let start = Int(truncatingIfNeeded: record.pointee.host_start)
    return url.slice(start, start &+ Int(truncatingIfNeeded: record.pointee.host_count))
  }

  /// Whether `method` is one of the conventions' known ones.
  @inline(__always)
  var hasKnownMethod: Bool { record.pointee.custom_method_count == 0 || record.pointee.custom_method_is_known != 0 }

  /// The method that the request will have.
  @inline(__always)
  var method: Text {
    let custom = Int(truncatingIfNeeded: record.pointee.custom_method_count)
    if custom != 0 { return Text(otel_curl_custom_method(record), count: custom) }
    if record.pointee.no_body != 0 { return Text("HEAD") }
    switch record.pointee.method {
    case RequestMethod.post, RequestMethod.form: return Text("POST")
    case RequestMethod.put: return Text("PUT")
    case RequestMethod.head: return Text("HEAD")
    default: return Text("GET")
    }
  }
}
