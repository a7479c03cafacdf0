import COTelHookABI
import OTelAPI
import OTelPrimitives

/// Nodes of ours in front of a program's header list, with their texts, in the handle's record. Nodes are laid from the beginning of their place on, texts from
/// its end on. What does not fit is left out: all lines of all formats together do.
struct InjectedList {
  let start: UnsafeMutableRawPointer
  private var nodes: UnsafeMutablePointer<otel_header_list>
  private(set) var count = 0
  private var textStart: UnsafeMutableRawPointer

  @inline(__always)
  init(_ record: UnsafeMutablePointer<otel_curl_handle>) {
    start = otel_curl_injection(record)
    nodes = start.assumingMemoryBound(to: otel_header_list.self)
    textStart = start + Int(OTEL_CURL_INJECTION)
  }

  @inline(__always)
  private var room: Int { textStart - UnsafeMutableRawPointer(nodes + count) }

  /// - Parameter text: NUL-terminated; kept by whoever made it.
  @inline(never)
  mutating func append(_ text: UnsafePointer<CChar>) -> Bool {
    guard room >= MemoryLayout<otel_header_list>.stride else { return false }
    let node = nodes + count
    node.pointee.text = text
    node.pointee.next = nil
    if count != 0 { (node - 1).pointee.next = node }
    count &+= 1
    return true
  }

  @inline(never)
  mutating func append(_ line: ContextLine, _ context: SpanContext) {
    let form = line.form(context)
    guard !line.isConstant else {
      _ = append(UnsafeRawPointer(form.start).assumingMemoryBound(to: CChar.self))
      return
    }
    guard room >= MemoryLayout<otel_header_list>.stride &+ form.count &+ 1 else { return }
    textStart += -1 &- form.count
    line.write(context, to: textStart.assumingMemoryBound(to: UInt8.self))
    _ = append(UnsafeRawPointer(textStart).assumingMemoryBound(to: CChar.self))
  }

  /// The first node; behind the last one comes `rest`.
  mutating func close(_ rest: UnsafeMutablePointer<otel_header_list>?) -> UnsafeMutablePointer<otel_header_list>? {
    guard count != 0 else { return rest }
    (nodes + (count &- 1)).pointee.next = rest
    return nodes
  }
}
