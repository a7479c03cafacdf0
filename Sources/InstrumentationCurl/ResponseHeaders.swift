import COTelHookABI
import OTelAPI
import OTelInstrumentation
import OTelPrimitives
import OTelSemanticConventions

/// `http.response.header.<key>` of the headers that the user asked for: those of the last response, as libcurl 7.83 and later tell them.
/// Source: curl_easy_header(3), curl_easy_nextheader(3): neither allocates.
struct ResponseHeaders {
  let handle: EasyHandle
  let library: UnsafePointer<otel_curl_library>
  let easy: UnsafeMutableRawPointer
  let settings: UnsafePointer<InstrumentationSettings>

  private static var mostHeaders: Int { 512 }

  @inline(never)
  func write<A: SpanAttributes>(_ attributes: inout A) {
    let selection = settings.pointee.responseHeaders
    selection.forEachName { capture($0, isNamed: true, &attributes) }
    guard !selection.patterns.isEmpty else { return }
    var next = otel_curl_next_header(library, easy, nil)
    var steps = 0
    while let header = next, steps < Self.mostHeaders {
      let name = Text(cString: header.pointee.name, limit: HeaderSelection.longestName &+ 1)
      if header.pointee.index == 0, selection.matches(name) { capture(name, isNamed: false, &attributes) }
      next = otel_curl_next_header(library, easy, header)
      steps &+= 1
    }
  }

  /// Without the blanks that are no part of a value; libcurl 7.88 leaves the line's CR with an empty one.
  private static func withoutEnd(_ value: Text) -> Text {
    var count = value.count
    while count > 0, value[count &- 1] <= 0x20 { count &-= 1 }
    return value.slice(0, count)
  }

  @inline(never)
  private func capture<A: SpanAttributes>(_ name: Text, isNamed: Bool, _ attributes: inout A) {
    var captured = CapturedHeader(name, isNamed: isNamed, of: handle)
    let key = UnsafeRawPointer(captured.name.start).assumingMemoryBound(to: CChar.self)
    var index = 0
    while let header = otel_curl_response_header(library, easy, key, index) {
      captured.add(Self.withoutEnd(Text(cString: header.pointee.value)))
      index &+= 1
      if index >= header.pointee.amount { break }
    }
    captured.write(Attribute.httpResponseHeader, to: &attributes, settings)
  }
}
