/// When a failed export is tried again: exponential backoff with jitter, as the specification demands (protocol/exporter.md, "Retry").
/// Its numbers are not specified; these are opentelemetry-java's.
package struct RetryPolicy {
  package var initialDelay = 1.0
  package var factor = 1.5
  package var longestDelay = 5.0
  /// A server may ask for patience, but not for silence and not for a storm.
  package var retryAfterRange = 1.0...60.0

  package init() {}

  /// Seconds to wait before the next attempt.
  /// - Parameters:
  ///   - failures: attempts that failed in a row; at least 1.
  ///   - retryAfter: seconds the server asked for, if it did.
  ///   - random: in [0, 1); spreads the delay by 20 % to both sides.
  package func delay(failures: Int, retryAfter: Double?, random: Double) -> Double {
    if let retryAfter { return min(max(retryAfter, retryAfterRange.lowerBound), retryAfterRange.upperBound) }
    var delay = initialDelay
    var step = 1
    while step < failures, delay < longestDelay {
      delay *= factor
      step += 1
    }
    return min(delay, longestDelay) * (0.8 + 0.4 * random)
  }

  /// "429, 502, 503, 504 … the client SHOULD retry"; every other refusal is final (opentelemetry-proto, docs/specification.md,
  /// "Retryable Response Codes").
  package static func isRetryable(status: Int) -> Bool { [429, 502, 503, 504].contains(status) }
}
