package import CCurl
import Glibc

/// One curl multi handle: all transfers of the relay, in one thread, beside the descriptors the relay itself waits for.
///
/// Not thread-safe. The corresponding C interface is libcurl-multi(3).
package final class TransferEngine {
  private let multi: UnsafeMutableRawPointer
  private var completions: [UnsafeMutableRawPointer: (CURLcode) -> Void] = [:]

  /// Nil when libcurl cannot start: no memory.
  package init?() {
    // Counted by libcurl; the relay starts no thread before.
    guard curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK, let multi = curl_multi_init() else { return nil }
    self.multi = multi
    // Idle connections kept for the next batch, over all destinations.
    _ = ccurl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, 64)
  }

  deinit {
    for easy in completions.keys { curl_multi_remove_handle(multi, easy) }
    curl_multi_cleanup(multi)
  }

  package var isIdle: Bool { completions.isEmpty }

  /// Starts the transfer of `easy`; `completion` is called from `perform()`.
  func start(_ easy: UnsafeMutableRawPointer, completion: @escaping (CURLcode) -> Void) {
    completions[easy] = completion
    if curl_multi_add_handle(multi, easy) != CURLM_OK { notStarted.append(easy) }
  }
  /// Told from the loop like every other end, so that a caller never sees its completion inside `start`.
  private var notStarted: [UnsafeMutableRawPointer] = []

  /// Calls `completion` from `perform()`, without a transfer.
  func finish(_ easy: UnsafeMutableRawPointer, completion: @escaping () -> Void) {
    completions[easy] = { _ in completion() }
    notStarted.append(easy)
  }

  /// Forgets a transfer; its completion is not called.
  func cancel(_ easy: UnsafeMutableRawPointer) {
    guard completions.removeValue(forKey: easy) != nil else { return }
    notStarted.removeAll { $0 == easy }
    curl_multi_remove_handle(multi, easy)
  }

  /// Waits until a transfer, or one of `descriptors`, can go on, or `milliseconds` have passed.
  package func wait(for descriptors: inout [curl_waitfd], milliseconds: Int32) {
    guard notStarted.isEmpty else { return }
    let count = UInt32(descriptors.count)
    let result = descriptors.withUnsafeMutableBufferPointer { curl_multi_poll(multi, $0.baseAddress, count, milliseconds, nil) }
    // Without memory for its table libcurl returns at once: do not spin.
    if result != CURLM_OK { usleep(5_000) }
  }

  /// Lets every transfer do what it can without waiting, and tells the finished ones.
  package func perform() {
    var running: Int32 = 0
    curl_multi_perform(multi, &running)
    var result = CURLE_OK
    while let easy = ccurl_multi_next_finished(multi, &result) { finish(easy, result) }
    let failed = notStarted
    notStarted = []
    for easy in failed { finish(easy, CURLE_OUT_OF_MEMORY) }
  }

  private func finish(_ easy: UnsafeMutableRawPointer, _ result: CURLcode) {
    curl_multi_remove_handle(multi, easy)
    completions.removeValue(forKey: easy)?(result)
  }
}
