public import OTelPrimitives

/// OTEL_TRACES_EXPORTER: where spans go. The launcher and the host read it here, so that they agree.
public struct TraceExporters: Equatable {
  public private(set) var otlp = false
  public private(set) var console = false

  /// Names in any case and any order; one that is given twice counts once. What is not supported is left out, and `none` beside a
  /// supported one too; when nothing is left, or nothing was said, the default holds, which is `otlp`. Never allocates.
  public init(_ list: Text?) {
    var none = false
    if let list {
      var items = ListItems(list)
      while let item = items.next() {
        if item.equalsIgnoringCase("otlp") { otlp = true }
        if item.equalsIgnoringCase("console") { console = true }
        if item.equalsIgnoringCase("none") { none = true }
      }
    }
    if !otlp, !console, !none { otlp = true }
  }
}
