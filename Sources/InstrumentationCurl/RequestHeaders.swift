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
    CapturedHeader.with(name, isNamed: isNamed) { header in
      if isListed(name) {
        handle.forEachHeader { text in
          if let line = HeaderLine(Text(cString: text)), line.name.equalsIgnoringCase(name), let value = line.value { header.add(value) }
        }
      } else if let value = ownValue(header.name) {
        header.add(value)
      }
      header.write(Attribute.httpRequestHeader, to: &attributes, settings)
    }
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
    if name.equals("user-agent") { return handle.kept(OTEL_CURL_KEPT_AGENT) }
    if name.equals("referer") { return handle.kept(OTEL_CURL_KEPT_REFERER) }
    if name.equals("accept-encoding") { return handle.kept(OTEL_CURL_KEPT_ENCODING) }
    if name.equals("cookie") { return handle.kept(OTEL_CURL_KEPT_COOKIE) }
    if name.equals("accept") { return Text("*/*") }
    if name.equals("host") { return handle.hasURL ? handle.hostHeader : nil }
    let isForm = name.equals("content-type") && handle.record.pointee.method == RequestMethod.post && handle.record.pointee.no_body == 0
    return isForm ? Text("application/x-www-form-urlencoded") : nil
  }
}
