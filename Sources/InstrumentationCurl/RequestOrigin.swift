import COTelHookABI
import OTelAPI

/// Where a request says that it comes from: the program may have put a `traceparent` into its headers itself.
struct RequestOrigin {
  /// The program's own context; nil when it names none, or no valid one.
  let parent: SpanContext?
  /// Whether a header of ours may be added.
  let mayInject: Bool

  @inline(__always)
  init(handle: EasyHandle?) {
    guard let handle else {
      (parent, mayInject) = (nil, false)
      return
    }
    switch HeaderInjection(handle: handle).find() {
    case .nothing: (parent, mayInject) = (nil, handle.record.pointee.unified_headers == 0)
    case .context(let own): (parent, mayInject) = (own, false)
    }
  }
}
