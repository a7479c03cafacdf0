import CCurl
import Glibc

/// Posts `ExportTraceServiceRequest`s as OTLP http/protobuf. Keeps its connection between requests.
///
/// Source: opentelemetry-proto, docs/specification.md, "OTLP/HTTP". Redirects are not followed: with them would go the credentials.
/// The usual proxy variables count (libcurl-env(3)).
package final class OTLPHTTPExporter: SpanExporter {
  /// What a client should not exceed (opentelemetry-proto, docs/specification.md, "OTLP/HTTP Request"), as built and as sent.
  static let longestRequest = 64 << 20

  private let engine: TransferEngine
  private let endpoint: OTLPEndpoint
  private let compression: Compression
  private let hasOwnAuthorities: Bool
  /// As all requests are made, and never sent itself.
  private let template: UnsafeMutableRawPointer
  /// Of the request under way, or the last one.
  private var easy: UnsafeMutableRawPointer
  private var headers: UnsafeMutablePointer<curl_slist>?
  private let response = ResponseBody()
  /// libcurl's own words about a failure (CURLOPT_ERRORBUFFER(3)).
  private let said: UnsafeMutablePointer<CChar>
  /// Why nothing can be sent, whatever is tried.
  private var flaw: ExportFailure?
  private var isUnderWay = false

  /// - Parameter userAgent: "product/version …".
  /// Nil when there is no memory.
  package init?(_ options: OTLPExporterOptions, userAgent: String, engine: TransferEngine) {
    guard let easy = curl_easy_init() else { return nil }
    self.engine = engine
    self.endpoint = options.endpoint
    self.compression = options.compression
    hasOwnAuthorities = options.credentials.authorities != nil
    (template, self.easy) = (easy, easy)
    said = .allocate(capacity: Int(CURL_ERROR_SIZE))
    said.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    for header in Self.lines(options) { headers = curl_slist_append(headers, header) ?? headers }
    _ = ccurl_easy_set_string(easy, CURLOPT_URL, options.endpoint.url)
    _ = ccurl_easy_set_string(easy, CURLOPT_PROTOCOLS_STR, "http,https")
    _ = ccurl_easy_set_string(easy, CURLOPT_USERAGENT, userAgent)
    _ = ccurl_easy_set_headers(easy, headers)
    _ = ccurl_easy_set_long(easy, CURLOPT_POST, 1)
    _ = ccurl_easy_set_long(easy, CURLOPT_NOSIGNAL, 1)
    _ = ccurl_easy_set_long(easy, CURLOPT_FOLLOWLOCATION, 0)
    _ = ccurl_easy_set_long(easy, CURLOPT_TCP_KEEPALIVE, 1)
    _ = ccurl_easy_set_error_buffer(easy, said)
    if options.endpoint.isSecure { secure(options.credentials) }
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
    if easy != template { curl_easy_cleanup(easy) }
    curl_easy_cleanup(template)
    curl_slist_free_all(headers)
    said.deallocate()
  }

  /// What libcurl does not take leaves `flaw`: nothing is sent less verified than it was asked for.
  private func secure(_ credentials: TLSCredentials) {
    var results = [
      ccurl_easy_set_long(easy, CURLOPT_SSL_VERIFYPEER, 1), ccurl_easy_set_long(easy, CURLOPT_SSL_VERIFYHOST, 2),
      ccurl_easy_set_long(easy, CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2)),
    ]
    if let authorities = credentials.authorities {
      results.append(ccurl_easy_set_blob(easy, CURLOPT_CAINFO_BLOB, authorities, authorities.count))
      // Otherwise the system's authorities would be trusted too.
      results.append(ccurl_easy_set_string(easy, CURLOPT_CAPATH, nil))
    } else {
      // As the curl program and OpenSSL do; libcurl itself does not read them.
      if let file = getenv("SSL_CERT_FILE") { results.append(ccurl_easy_set_string(easy, CURLOPT_CAINFO, file)) }
      if let directory = getenv("SSL_CERT_DIR") { results.append(ccurl_easy_set_string(easy, CURLOPT_CAPATH, directory)) }
    }
    if let client = credentials.client {
      results.append(ccurl_easy_set_blob(easy, CURLOPT_SSLCERT_BLOB, client, client.count))
      // A passphrase that OpenSSL misses it would ask for, at a terminal.
      results.append(ccurl_easy_set_string(easy, CURLOPT_KEYPASSWD, ""))
    }
    if let text = credentials.flaw {
      flaw = ExportFailure(.credentials, "\(endpoint.displayURL): \(text)")
    } else if results.contains(where: { $0 != CURLE_OK }) {
      flaw = ExportFailure(.credentials, "\(endpoint.displayURL): libcurl \(String(cString: curl_version())) does not take certificates from memory; 7.77 or later does")
    }
  }

  /// The header lines libcurl gets. The user's come last and win over ours, but for what says how the body is to be read.
  static func lines(_ options: OTLPExporterOptions) -> [String] {
    let encoding = options.compression == .gzip ? [("Content-Encoding", "gzip")] : []
    let headers = options.headers.filter { header in !encoding.contains { header.name.lowercased() == $0.0.lowercased() } }
    // Without "Expect:" libcurl would wait a second for a "100 Continue" that few servers send.
    let own = ([("Content-Type", "application/x-protobuf"), ("Expect", "")] + encoding)
      .filter { own in !headers.contains { $0.name.lowercased() == own.0.lowercased() } }
    return own.map { $0.1.isEmpty ? "\($0.0):" : "\($0.0): \($0.1)" }
      // libcurl takes "Name;" for a header without value, and "Name:" for the wish to leave it out (CURLOPT_HTTPHEADER(3)).
      + headers.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }
  }

  package func export(_ request: [UInt8], timeoutMilliseconds: Int, completion: @escaping (ExportOutcome) -> Void) {
    precondition(!isUnderWay, "one export at a time")
    isUnderWay = true
    response.reset()
    said[0] = 0
    guard renew() else {
      let failure = ExportFailure(.unknown, "\(endpoint.displayURL): no memory for a request")
      return engine.finish(easy) { [unowned self] in finished(.postponed(failure, retryAfter: nil), completion) }
    }
    switch prepared(request) {
    case .failure(let failure): engine.finish(easy) { [unowned self] in finished(.refused(failure), completion) }
    case .success(let body):
      _ = ccurl_easy_set_long(easy, CURLOPT_TIMEOUT_MS, timeoutMilliseconds)
      // A host that drops packets is noticed early; a slow one has the whole time.
      _ = ccurl_easy_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, timeoutMilliseconds == 0 ? 2_000 : min(2_000, timeoutMilliseconds))
      _ = body.withUnsafeBytes { bytes in ccurl_easy_copy_post_fields(easy, bytes.baseAddress, curl_off_t(bytes.count)) }
      engine.start(easy) { [unowned self] result in finished(outcome(result), completion) }
    }
  }

  /// A handle of its own for each request; connections are the engine's, and are kept. libcurl 7.88, Debian 12's, remembers the last header
  /// of an answer beyond its end, and reads there, in freed memory, when the next answer to the same handle begins with a folded line.
  private func renew() -> Bool {
    if easy != template { curl_easy_cleanup(easy) }
    easy = template
    guard let fresh = curl_easy_duphandle(template) else { return false }
    easy = fresh
    return true
  }

  private func finished(_ outcome: ExportOutcome, _ completion: (ExportOutcome) -> Void) {
    isUnderWay = false
    _ = ccurl_easy_forget_post_fields(easy)
    completion(outcome)
  }

  /// The body to send, or why this request is not sent.
  private func prepared(_ request: [UInt8]) -> Result<[UInt8], ExportFailure> {
    if let flaw { return .failure(flaw) }
    guard let body = compression.encoded(request) else { return .failure(ExportFailure(.unknown, "\(endpoint.displayURL): no memory to compress a request")) }
    let length = max(request.count, body.count)
    guard length <= Self.longestRequest else {
      return .failure(ExportFailure(.tooLarge, "\(endpoint.displayURL): a request of \(length) bytes was not sent; \(Self.longestRequest) are the limit of OTLP/HTTP"))
    }
    return .success(body)
  }

  package func cancel() {
    guard isUnderWay else { return }
    isUnderWay = false
    engine.cancel(easy)
    _ = ccurl_easy_forget_post_fields(easy)
  }

  private func outcome(_ result: CURLcode) -> ExportOutcome {
    var status = 0
    _ = ccurl_easy_get_long(easy, CURLINFO_RESPONSE_CODE, &status)
    if response.isTooLong {
      return .refused(ExportFailure(.unknown, "\(endpoint.displayURL): the answer, of HTTP status \(status), is longer than 4 MiB and was not read"))
    }
    // Once the status is there, what it says counts, also when the rest of the answer never comes: sending again what was accepted
    // would make doubles.
    guard result == CURLE_OK || status >= 200 else { return failure(result) }
    if (200..<300).contains(status) { return .delivered(ExportResponse(success: result == CURLE_OK ? response.bytes : [])) }
    let said = ExportResponse(failure: response.bytes).message
    let failure = ExportFailure(
      .status(status), "\(endpoint.displayURL): the collector answered HTTP status \(status)" + (said.isEmpty ? "" : ": \(said)"))
    guard RetryPolicy.isRetryable(status: status) else { return .refused(failure) }
    var wait: curl_off_t = 0
    // Both forms of Retry-After; 0 when there is none (CURLINFO_RETRY_AFTER(3)).
    _ = ccurl_easy_get_offset(easy, CURLINFO_RETRY_AFTER, &wait)
    return .postponed(failure, retryAfter: wait > 0 ? Double(wait) : nil)
  }

  private func failure(_ result: CURLcode) -> ExportOutcome {
    var words = String(cString: said)
    let kind = kind(result, words: words)
    if kind == .credentials {
      let files = hasOwnAuthorities && result == CURLE_SSL_CACERT_BADFILE ? "OTEL_EXPORTER_OTLP_CERTIFICATE" : "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and _CLIENT_KEY"
      words = "\(files) cannot be used: \(words.isEmpty ? String(cString: curl_easy_strerror(result)) : words)"
    }
    var systemError = 0
    _ = ccurl_easy_get_long(easy, CURLINFO_OS_ERRNO, &systemError)
    let detail =
      switch kind {
      case .unreachable where systemError != 0: String(cString: strerror(Int32(systemError)))
      case .notHTTP, .tls, .untrusted, .unidentified, .credentials, .unknown:
        words.isEmpty ? String(cString: curl_easy_strerror(result)) : words
      default: String(cString: curl_easy_strerror(result))
      }
    let failure = ExportFailure(kind, "\(endpoint.displayURL): \(detail.lowercasedFirst)")
    // What we were given cannot be used, and will not be another time.
    return kind == .credentials ? .refused(failure) : .postponed(failure, retryAfter: nil)
  }

  private func kind(_ result: CURLcode, words: String) -> ExportFailure.Kind {
    switch result {
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .unresolved
    case CURLE_COULDNT_CONNECT: .unreachable
    case CURLE_OPERATION_TIMEDOUT: .timeout
    case CURLE_PEER_FAILED_VERIFICATION: .untrusted
    case CURLE_SSL_CERTPROBLEM: .credentials
    case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY: .notHTTP
    // A server that misses a client's certificate says so in an alert (RFC 8446 §6.2), in TLS 1.3 after the handshake.
    case CURLE_SSL_CONNECT_ERROR, CURLE_RECV_ERROR, CURLE_SEND_ERROR:
      ["certificate required", "bad certificate", "unknown ca", "handshake failure"].contains { words.contains($0) } ? .unidentified
        : (result == CURLE_SSL_CONNECT_ERROR ? .tls : .unknown)
    // The system's authorities may be installed any time.
    case CURLE_SSL_CACERT_BADFILE: hasOwnAuthorities ? .credentials : .untrusted
    default: .unknown
    }
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
