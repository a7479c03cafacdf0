import COTelHookABI
import COTelShims
import OTelAPI
import OTelPrimitives

/// Headers of ours in front of the program's list, for the time of one transfer.
///
/// libcurl does not copy CURLOPT_HTTPHEADER, and the program may free or change its list as soon as the transfer has ended. So nothing
/// of it is touched or copied: our nodes, which live in the handle's record, end in a pointer to its first node, and libcurl is given
/// its own pointer back before the program hears of the end. Where a header of the program's is to be left out (`RequestOrigin.hidden`) our nodes for
/// what is in front of it point to the program's texts.
struct HeaderInjection {
  let handle: EasyHandle

  /// `traceparent` alone.
  @inline(__always)
  func inject(_ context: SpanContext, library: UnsafePointer<otel_curl_library>, into easy: UnsafeMutableRawPointer) {
    let record = handle.record
    let first = otel_curl_injection(record).assumingMemoryBound(to: otel_header_list.self)
    let line = UnsafeMutableRawPointer(first + 1).assumingMemoryBound(to: UInt8.self)
    let name = Text("traceparent: ")
    memcpy(line, name.start, name.count)
    TraceParent.write(context, to: line + name.count)
    line[name.count &+ TraceParent.length] = 0
    first.pointee.text = UnsafeRawPointer(line).assumingMemoryBound(to: CChar.self)
    first.pointee.next = record.pointee.headers
    record.pointee.injecting = otel_curl_set_headers(library, easy, first) ? 1 : 0
  }

  /// Everything that there is to pass on.
  @inline(never)
  func inject(
    _ context: SpanContext, _ propagation: Propagation, _ origin: RequestOrigin, withTraceState: Bool, library: UnsafePointer<otel_curl_library>,
    into easy: UnsafeMutableRawPointer
  ) {
    let record = handle.record
    var list = InjectedList(record)
    if context.isValid {
      var rest = propagation.propagators
      while let propagator = rest.next() {
        guard let lines = ContextLine.lines(of: propagator) else { continue }
        var index = lines.first.rawValue
        while index <= lines.last.rawValue, let line = ContextLine(rawValue: index) {
          list.append(line, context)
          index &+= 1
        }
      }
      if withTraceState, origin.mayAddTraceState { append(propagation.traceStateLine, to: &list) }
    }
    // A redirect may lead to anybody: ids tell them nothing, baggage might.
    if origin.mayAddBaggage, record.pointee.follows == 0 { append(propagation.baggageLine, to: &list) }
    guard let rest = hide(origin.hidden, &list) else { return }
    var behind = rest.node
    if origin.mayAddBaggageHeaders, record.pointee.follows == 0 { behind = prepend(propagation.baggageHeaders, to: behind) }
    guard list.count != 0 || behind != rest.node else { return }
    record.pointee.injecting = otel_curl_set_headers(library, easy, list.close(behind)) ? 1 : 0
  }

  /// Returns the first of our nodes for `lines`, each ended by a NUL; behind the last one comes `rest`.
  @inline(never)
  private func prepend(_ lines: Text, to rest: UnsafeMutablePointer<otel_header_list>?) -> UnsafeMutablePointer<otel_header_list>? {
    let nodes = otel_curl_baggage_nodes(Int32(truncatingIfNeeded: EasyHandleTable.index(of: handle)))
    var (count, start) = (0, 0)
    while start < lines.count, count < Int(OTEL_CURL_BAGGAGE_NODES) {
      nodes[count].text = UnsafeRawPointer(lines.start + start).assumingMemoryBound(to: CChar.self)
      nodes[count].next = nodes + (count &+ 1)
      count &+= 1
      start = (lines.firstIndex(of: 0, from: start) ?? lines.count) &+ 1
    }
    guard count != 0 else { return rest }
    nodes[count &- 1].next = rest
    return nodes
  }

  private func append(_ line: Text, to list: inout InjectedList) {
    if !line.isEmpty { _ = list.append(UnsafeRawPointer(line.start).assumingMemoryBound(to: CChar.self)) }
  }

  private struct Rest {
    let node: UnsafeMutablePointer<otel_header_list>?
  }

  /// Takes what is in front of the last header that is to be hidden into our nodes, without those that are. Returns the program's first node
  /// behind it; nil when there is not enough room for that, and then the request stays as it is.
  @inline(never)
  private func hide(_ hidden: ContextFieldSet, _ list: inout InjectedList) -> Rest? {
    let first = handle.record.pointee.headers
    guard !hidden.isEmpty else { return Rest(node: first) }
    var behind = first
    var (node, steps) = (first, 0)
    while let current = node, steps < EasyHandle.longestList {
      if Self.isHidden(current, hidden) { behind = current.pointee.next }
      node = current.pointee.next
      steps &+= 1
    }
    node = first
    while let current = node, current != behind {
      if !Self.isHidden(current, hidden), let text = current.pointee.text, !list.append(text) { return nil }
      node = current.pointee.next
    }
    return Rest(node: behind)
  }

  private static func isHidden(_ node: UnsafeMutablePointer<otel_header_list>, _ hidden: ContextFieldSet) -> Bool {
    guard let text = node.pointee.text, let field = ContextField.named(header: Text(cString: text, limit: 64)) else { return false }
    return hidden.contains(field)
  }

  /// Gives libcurl the program's own list back: the one it set last, should it have set another in a callback.
  func withdraw(library: UnsafePointer<otel_curl_library>, from easy: UnsafeMutableRawPointer) {
    guard handle.record.pointee.injecting != 0 else { return }
    handle.record.pointee.injecting = 0
    _ = otel_curl_set_headers(library, easy, handle.record.pointee.headers)
  }
}
