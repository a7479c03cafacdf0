package import OTelRegion

/// What a receiver hands spans to, as in the Collector. One for each region; used by the thread that reads it.
package protocol SpanConsumer: AnyObject {
  /// Spans that may still be handed over; what has no room stays in its region.
  var room: Int { get }

  /// - Parameters:
  ///   - span: a valid `Span` message, borrowed for the call.
  ///   - tag: of a known scope.
  ///   - ringEnd: the ring's position behind the span.
  ///   - now: monotonic, in nanoseconds.
  func consume(_ span: UnsafeRawBufferPointer, tag: RecordTag, ringEnd: UInt64, now: UInt64)

  /// The region's `readPosition` has moved. What is behind every span that still waits may be called exported (`advanceExported`).
  func hasRead(_ attached: AttachedRegion)

  /// Forgets what waits and is not under way: it is another region's now, or worth nothing. Returns how many spans that were.
  func discardWaiting() -> Int
}
