/// Sends requests to one destination, one at a time.
///
/// Everything happens in the thread that runs the event loop; `export` returns at once.
package protocol SpanExporter: AnyObject {
  /// Starts sending `request`, an encoded `ExportTraceServiceRequest`. `completion` is called once, later, from the event loop; never after
  /// `cancel()`. Not to be called while an export is under way.
  func export(_ request: [UInt8], timeoutMilliseconds: Int, completion: @escaping (ExportOutcome) -> Void)
  /// Gives up what is under way.
  func cancel()
}
