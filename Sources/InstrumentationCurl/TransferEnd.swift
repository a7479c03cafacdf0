import COTelHookABI
import COTelShims

/// When a transfer in a multi handle ended, and how, if the program did not ask.
///
/// libcurl tells neither before the program reads the result, which it may do late or never. What it does tell:
/// * how many transfers run, after each driving call. A transfer that is done was done in a call that changed this number;
/// * how long a transfer took (CURLINFO_TOTAL_TIME_T), from its first driving call on. Of one that failed before it had a response this
///   is the time until libcurl last looked at the clock, which may be long before.
struct TransferEnd {
  let library: UnsafePointer<otel_curl_library>
  let easy: UnsafeMutableRawPointer
  let multi: UnsafeMutablePointer<otel_curl_multi>?
  let drivenAt: UInt64

  private static var couldNotConnect: Int32 { 7 }
  private static var unknownError: Int32 { -1 }

  @inline(__always)
  private var hasResponse: Bool { otel_curl_number(library, easy, Int32(OTEL_CURLINFO_RESPONSE_CODE)) > 0 }

  /// CLOCK_MONOTONIC.
  @inline(__always)
  func time(result: Int32?) -> UInt64 {
    guard drivenAt != 0 else { return otel_monotonic() }
    let latest: UInt64
    // Taken out in the middle, it ended now.
    if result != nil || isFinished, let multi, multi.pointee.changed > drivenAt { latest = multi.pointee.changed } else { latest = otel_monotonic() }
    guard (result ?? -1) == OTEL_CURLE_OK || hasResponse else { return latest }
    let microseconds = otel_curl_large_number(library, easy, Int32(OTEL_CURLINFO_TOTAL_TIME_T))
    guard microseconds > 0 else { return latest }
    let told = drivenAt &+ UInt64(bitPattern: microseconds) &* 1000
    return told < latest ? told : latest
  }

  /// Whether nothing runs any more.
  private var isFinished: Bool {
    guard let multi, drivenAt != 0 else { return false }
    return multi.pointee.running == 0
  }

  /// A CURLcode for a transfer whose result was not read. One that runs, or may, was ended by the program: no error.
  var guessedResult: Int32 {
    guard isFinished, !hasResponse else { return Int32(OTEL_CURLE_OK) }
    return otel_curl_number(library, easy, Int32(OTEL_CURLINFO_OS_ERRNO)) > 0 ? Self.couldNotConnect : Self.unknownError
  }
}
