import COTelHookABI
import OTelAPI
import OTelInstrumentation
import OTelPrimitives
import OTelSemanticConventions

/// `http.request.header.<key>` of the headers that the user asked for: those of the program's list, and what libcurl makes of options.
///
/// Not told, as only libcurl knows: what it adds for credentials, cookies of its own, ranges, the length and the form of a body, and HTTP/2.
struct RequestHeaders {
  let handle: EasyHandle
  let settings: UnsafePointer<InstrumentationSettings>

  /// To be called while the program's list must be there: when a transfer starts, or before the call that ran it returns.
  @inline(never)
  func write<A: SpanAttributes>(_ attributes: inout A) {
    let selection = settings.pointee.requestHeaders
    selection.forEachName { capture($0, isNamed: true, &attributes) }
    guard !selection.patterns.isEmpty else { return }
    handle.forEachHeader { text in
      guard let line = HeaderLine(Text(cString: text)), selection.matches(line.name), isFirst(line.name) else { return }
      capture(line.name, isNamed: false, &attributes)
    }
    var own = 0
    while own < Self.ownCount {
      let name = Text(Self.ownName(own))
      if selection.matches(name), !isListed(name) { capture(name, isNamed: false, &attributes) }
      own &+= 1
    }
  }

  @inline(never)
  private func capture<A: SpanAttributes>(_ name: Text, isNamed: Bool, _ attributes: inout A) {
    var header = CapturedHeader(name, isNamed: isNamed, of: handle)
    if isListed(name) {
      handle.forEachHeader { text in
        if let line = HeaderLine(Text(cString: text)), line.name.equalsIgnoringCase(name), let value = line.value { header.add(value) }
      }
    } else if let value = ownValue(header.name) {
      header.add(value)
    }
    header.write(Attribute.httpRequestHeader, to: &attributes, settings)
  }

  // MARK: The program's list

  /// Whether the list has a line for `name`: then libcurl adds none of its own.
  @inline(never)
  private func isListed(_ name: Text) -> Bool { first(name) != nil }

  /// Whether `name` is that of the first line of that name.
  private func isFirst(_ name: Text) -> Bool { first(name) == name.start }

  @inline(never)
  private func first(_ name: Text) -> UnsafePointer<UInt8>? {
    var found: UnsafePointer<UInt8>?
    handle.forEachHeader { text in
      if found == nil, let line = HeaderLine(Text(cString: text)), line.name.equalsIgnoringCase(name) { found = line.name.start }
    }
    return found
  }

  // MARK: libcurl's own

  private static var ownCount: Int { 7 }

  private static func ownName(_ index: Int) -> StaticString {
    switch index {
    case 0: "host"
    case 1: "user-agent"
    case 2: "accept"
    case 3: "accept-encoding"
    case 4: "referer"
    case 5: "content-type"
    default: "cookie"
    }
  }

  /// The value that libcurl gives the header `name`, in lower case (lib/http.c); nil when there is none, or it is not known here.
  private func ownValue(_ name: Text) -> Text? {
    let kept = KeptOptions(of: handle)
    if name.equals("user-agent") { return kept.value(OTEL_CURL_OPTION_AGENT) }
    if name.equals("referer") { return kept.value(OTEL_CURL_OPTION_REFERER) }
    if name.equals("accept-encoding") { return kept.value(OTEL_CURL_OPTION_ENCODING) }
    if name.equals("cookie") { return kept.value(OTEL_CURL_OPTION_COOKIE) }
    if name.equals("accept") { return Text("*/*") }
    if name.equals("host") { return handle.hasURL ? hostHeader : nil }
    let isForm = name.equals("content-type") && handle.record.pointee.method == RequestMethod.post && handle.record.pointee.no_body == 0
    return isForm ? Text("application/x-www-form-urlencoded") : nil
  }

  /// As libcurl sends it: the host, and the port unless it is the scheme's own.
  private var hostHeader: Text {
    let record = handle.record
    let url = handle.url
    let first = Int(truncatingIfNeeded: record.pointee.host_start)
    let isBracketed = url[first &- 1] == 0x5b
    let start = isBracketed ? first &- 1 : first
    var end = first &+ Int(truncatingIfNeeded: record.pointee.host_count) &+ (isBracketed ? 1 : 0)
    guard record.pointee.port != (url.slice(0, 5).equalsIgnoringCase("https") ? 443 : 80) else { return url.slice(start, end) }
    while end < url.count, url[end] != 0x2f, url[end] != 0x3f, url[end] != 0x23 { end &+= 1 }
    return url.slice(start, end)
  }
}
