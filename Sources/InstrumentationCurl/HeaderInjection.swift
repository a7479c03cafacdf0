import COTelHookABI
import COTelShims
import OTelAPI
import OTelPrimitives

/// One `traceparent` (and `tracestate`) in front of the program's header list, for the time of one transfer.
///
/// libcurl does not copy CURLOPT_HTTPHEADER, and the program may free or change its list as soon as the transfer has ended. So nothing
/// of it is touched or copied: our nodes, which live in the handle's record, end in a pointer to its first node, and libcurl is given
/// its own pointer back before the program hears of the end.
struct HeaderInjection {
  let handle: EasyHandle

  /// What the program's own list says about the context.
  enum Found {
    case nothing
    /// It carries a `traceparent`, which is left as it is; nil when it is no valid one.
    case context(SpanContext?)
  }

  /// Looks through the program's list. A second `traceparent` makes both invalid (W3C Trace Context, 3.2).
  func find() -> Found {
    var count = 0
    var context: SpanContext?
    handle.forEachHeader { text in
      guard text[0] | 0x20 == 0x74 else { return }
      let header = Text(cString: text)
      if header.slice(0, 11).equalsIgnoringCase("traceparent"), header[11] == 0x3a || header[11] == 0x3b {
        count &+= 1
        context = count == 1 ? TraceParent.parse(header.from(12)) : nil
      }
    }
    return count == 0 ? .nothing : .context(context)
  }

  /// - Parameter traceState: at most `TraceState.capacity` bytes, or empty.
  func inject(_ context: SpanContext, traceState: Text, library: UnsafePointer<otel_curl_library>, into easy: UnsafeMutableRawPointer) {
    let record = handle.record
    let line = UnsafeMutableRawPointer(otel_curl_traceparent(record)).assumingMemoryBound(to: UInt8.self)
    let name = Text("traceparent: ")
    memcpy(line, name.start, name.count)
    TraceParent.write(context, to: line + name.count)
    line[name.count &+ TraceParent.length] = 0
    let first = otel_curl_injected(record, 0)
    first.pointee.text = UnsafePointer(otel_curl_traceparent(record))
    first.pointee.next = record.pointee.headers
    if !traceState.isEmpty, traceState.count <= TraceState.capacity {
      let second = otel_curl_injected(record, 1)
      let target = UnsafeMutableRawPointer(otel_curl_tracestate(record)).assumingMemoryBound(to: UInt8.self)
      let name = Text("tracestate: ")
      memcpy(target, name.start, name.count)
      memcpy(target + name.count, traceState.start, traceState.count)
      target[name.count &+ traceState.count] = 0
      second.pointee.text = UnsafePointer(otel_curl_tracestate(record))
      second.pointee.next = record.pointee.headers
      first.pointee.next = second
    }
    record.pointee.injecting = otel_curl_set_headers(library, easy, first) ? 1 : 0
  }

  /// The program has set another list while ours was in front: ours goes in front of that one, unless it names a context of its own.
  func moveToNewList(library: UnsafePointer<otel_curl_library>, in easy: UnsafeMutableRawPointer) {
    let record = handle.record
    guard record.pointee.injecting != 0 else { return }
    guard case .nothing = find() else {
      record.pointee.injecting = 0
      return
    }
    let first = otel_curl_injected(record, 0)
    let second = otel_curl_injected(record, 1)
    let last = first.pointee.next == second ? second : first
    last.pointee.next = record.pointee.headers
    record.pointee.injecting = otel_curl_set_headers(library, easy, first) ? 1 : 0
  }

  /// Gives libcurl the program's own list back: the one it set last, should it have set another in a callback.
  func withdraw(library: UnsafePointer<otel_curl_library>, from easy: UnsafeMutableRawPointer) {
    guard handle.record.pointee.injecting != 0 else { return }
    handle.record.pointee.injecting = 0
    _ = otel_curl_set_headers(library, easy, handle.record.pointee.headers)
  }
}
