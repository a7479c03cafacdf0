import CCurl
import Glibc

/// Posts `ExportTraceServiceRequest`s as OTLP http/protobuf. Keeps its connection between requests.
///
/// Source: opentelemetry-proto, docs/specification.md, "OTLP/HTTP". Redirects are not followed: with them would go the credentials.
/// The usual proxy variables count (libcurl-env(3)).
package final class OTLPHTTPExporter: SpanExporter {
  private let engine: TransferEngine
  private let endpoint: OTLPEndpoint
  private let easy: UnsafeMutableRawPointer
  private var headers: UnsafeMutablePointer<curl_slist>?
  private let response = ResponseBody()
  private var isUnderWay = false

  /// - Parameter userAgent: "product/version …".
  /// Nil when there is no memory.
  package init?(_ options: OTLPExporterOptions, userAgent: String, engine: TransferEngine) {
    guard let easy = curl_easy_init() else { return nil }
    self.engine = engine
    self.endpoint = options.endpoint
    self.easy = easy
    for header in Self.lines(options.headers) { headers = curl_slist_append(headers, header) ?? headers }
    _ = ccurl_easy_set_string(easy, CURLOPT_URL, options.endpoint.url)
    _ = ccurl_easy_set_string(easy, CURLOPT_PROTOCOLS_STR, "http,https")
    _ = ccurl_easy_set_string(easy, CURLOPT_USERAGENT, userAgent)
    _ = ccurl_easy_set_headers(easy, headers)
    _ = ccurl_easy_set_long(easy, CURLOPT_POST, 1)
    _ = ccurl_easy_set_long(easy, CURLOPT_NOSIGNAL, 1)
    _ = ccurl_easy_set_long(easy, CURLOPT_FOLLOWLOCATION, 0)
    _ = ccurl_easy_set_long(easy, CURLOPT_TCP_KEEPALIVE, 1)
    _ = ccurl_easy_set_long(easy, CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
    let function: ccurl_write = { bytes, size, count, context in
      guard let context else { return 0 }
      let chunk = UnsafeRawBufferPointer(start: bytes, count: size * count)
      return Unmanaged<ResponseBody>.fromOpaque(context).takeUnretainedValue().append(chunk) ? size * count : 0
    }
    // The body object lives as long as the handle: both are this exporter's.
    _ = ccurl_easy_set_write(easy, function, Unmanaged.passUnretained(response).toOpaque())
  }

  deinit {
    engine.cancel(easy)
    curl_easy_cleanup(easy)
    curl_slist_free_all(headers)
  }

  /// The header lines libcurl gets. The user's come last and win over ours.
  static func lines(_ headers: [OTLPHeader]) -> [String] {
    // Without "Expect:" libcurl would wait a second for a "100 Continue" that few servers send.
    let own = [("Content-Type", "application/x-protobuf"), ("Expect", "")].filter { own in !headers.contains { $0.name.lowercased() == own.0.lowercased() } }
    return own.map { $0.1.isEmpty ? "\($0.0):" : "\($0.0): \($0.1)" }
      // libcurl takes "Name;" for a header without value, and "Name:" for the wish to leave it out (CURLOPT_HTTPHEADER(3)).
      + headers.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }
  }

  package func export(_ request: [UInt8], timeoutMilliseconds: Int, completion: @escaping (ExportOutcome) -> Void) {
    precondition(!isUnderWay, "one export at a time")
    isUnderWay = true
    response.reset()
    _ = ccurl_easy_set_long(easy, CURLOPT_TIMEOUT_MS, timeoutMilliseconds)
    // A host that drops packets is noticed early; a slow one has the whole time.
    _ = ccurl_easy_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, timeoutMilliseconds == 0 ? 2_000 : min(2_000, timeoutMilliseconds))
    _ = request.withUnsafeBytes { bytes in
      bytes.baseAddress.map { ccurl_easy_copy_post_fields(easy, $0, curl_off_t(bytes.count)) }
    }
    engine.start(easy) { [unowned self] result in
      isUnderWay = false
      _ = ccurl_easy_forget_post_fields(easy)
      completion(outcome(result))
    }
  }

  package func cancel() {
    guard isUnderWay else { return }
    isUnderWay = false
    engine.cancel(easy)
    _ = ccurl_easy_forget_post_fields(easy)
  }

  private func outcome(_ result: CURLcode) -> ExportOutcome {
    if response.isTooLong {
      return .refused(ExportFailure(.unknown, "\(endpoint.displayURL): the answer is longer than 4 MiB and was not read"))
    }
    guard result == CURLE_OK else { return .postponed(failure(result), retryAfter: nil) }
    var status = 0
    _ = ccurl_easy_get_long(easy, CURLINFO_RESPONSE_CODE, &status)
    if (200..<300).contains(status) { return .delivered(ExportResponse(success: response.bytes)) }
    let said = ExportResponse(failure: response.bytes).message
    let failure = ExportFailure(
      .status(status), "\(endpoint.displayURL): the collector answered HTTP status \(status)" + (said.isEmpty ? "" : ": \(said)"))
    guard RetryPolicy.isRetryable(status: status) else { return .refused(failure) }
    var wait: curl_off_t = 0
    // Both forms of Retry-After; 0 when there is none (CURLINFO_RETRY_AFTER(3)).
    _ = ccurl_easy_get_offset(easy, CURLINFO_RETRY_AFTER, &wait)
    return .postponed(failure, retryAfter: wait > 0 ? Double(wait) : nil)
  }

  private func failure(_ result: CURLcode) -> ExportFailure {
    let kind: ExportFailure.Kind =
      switch result {
      case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .unresolved
      case CURLE_COULDNT_CONNECT: .unreachable
      case CURLE_OPERATION_TIMEDOUT: .timeout
      case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CACERT_BADFILE: .tls
      default: .unknown
      }
    var systemError = 0
    _ = ccurl_easy_get_long(easy, CURLINFO_OS_ERRNO, &systemError)
    let detail = kind == .unreachable && systemError != 0 ? String(cString: strerror(Int32(systemError))) : String(cString: curl_easy_strerror(result))
    return ExportFailure(kind, "\(endpoint.displayURL): \(detail.prefix(1).lowercased() + detail.dropFirst())")
  }
}

/// What of an answer is kept: its first 64 KiB. More than 4 MiB is not even read (CVE-2026-39882 was an exporter without limit).
private final class ResponseBody {
  static let kept = 64 << 10
  static let longest = 4 << 20

  private(set) var bytes: [UInt8] = []
  private var length = 0
  var isTooLong: Bool { length > Self.longest }

  func reset() {
    bytes = []
    length = 0
  }

  /// False ends the transfer.
  func append(_ chunk: UnsafeRawBufferPointer) -> Bool {
    length += chunk.count
    guard !isTooLong else { return false }
    bytes.append(contentsOf: chunk.prefix(Self.kept - bytes.count))
    return true
  }
}
