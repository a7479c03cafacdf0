import CCurl
import Glibc
import OTLPWire
import OTelPrimitives

@testable import OTelExport

/// The body of a collector's answer.
func response(_ input: UnsafeRawBufferPointer) {
  let body = Array(input)
  let success = ExportResponse(success: body)
  check(success.rejectedSpans >= 0, "\(success.rejectedSpans) spans were rejected")
  let failure = ExportResponse(failure: body)
  for message in [success.message, failure.message] {
    check(message.isPlainLine && message.utf8.count <= 256, "a message of \(message.utf8.count) bytes: \(message.debugDescription)")
  }
  // What is written as the protocol has it is read as it was written.
  if let fields = ReferenceSpan.parse(body), case .bytes(let partial)? = ReferenceSpan.last(1, of: fields), let inner = ReferenceSpan.parse(partial),
    fields.count == 1, case .number(let count, wire: 0)? = ReferenceSpan.last(1, of: inner)
  {
    checkEqual(success.rejectedSpans, Int(max(0, Int64(bitPattern: count))), "rejected spans")
  }
  var pieces = Pieces(input)
  let (failures, random) = (Int(pieces.byte()), Double(pieces.byte()) / 256)
  let wait = Double(Int64(bitPattern: pieces.number(8)))
  for retryAfter in [nil, wait] {
    let delay = RetryPolicy().delay(failures: failures, retryAfter: retryAfter, random: random)
    check(delay >= 0.8 && delay <= 60, "a pause of \(delay) s")
  }
}

/// A collector that answers whatever the input is, on the loopback interface.
private final class Answerer {
  let listener: Int32
  let engine: TransferEngine
  let exporter: OTLPHTTPExporter

  init() {
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = listener
    let isListening = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, size) == 0 && listen(descriptor, 8) == 0 && getsockname(descriptor, $0, &size) == 0
      }
    }
    check(isListening, "no loopback interface")
    let url = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))/v1/traces"
    let endpoint = withCopy(Array(url.utf8)) { OTLPEndpoint(signal: $0) }
    engine = TransferEngine()!
    exporter = OTLPHTTPExporter(OTLPExporterOptions(endpoint: endpoint!), userAgent: "fuzz", engine: engine)!
  }
}
nonisolated(unsafe) private let answerer = Answerer()

/// An HTTP response: one verdict, soon, whatever it is.
func collector(_ input: UnsafeRawBufferPointer) {
  var outcomes: [ExportOutcome] = []
  answerer.exporter.export([1, 2, 3], timeoutMilliseconds: 5_000) { outcomes.append($0) }
  var rounds = 0
  var peer: Int32 = -1
  while outcomes.isEmpty {
    answerer.engine.perform()
    if peer < 0 { peer = accept(answerer.listener, nil, nil) }
    var request = [UInt8](repeating: 0, count: 4096)
    if peer >= 0, recv(peer, &request, request.count, Int32(MSG_DONTWAIT)) >= 0 {
      _ = send(peer, input.baseAddress, input.count, Int32(MSG_NOSIGNAL))
      // Only by the connection's end some answers have one.
      close(peer)
      peer = -1
    } else if outcomes.isEmpty {
      var descriptors = [curl_waitfd(fd: peer < 0 ? answerer.listener : peer, events: Int16(CURL_WAIT_POLLIN), revents: 0)]
      answerer.engine.wait(for: &descriptors, milliseconds: 100)
    }
    rounds += 1
    check(rounds < 10_000, "no verdict")
  }
  if peer >= 0 { close(peer) }
  checkEqual(outcomes.count, 1, "the number of verdicts")
  let head = String(decoding: input.prefix(12), as: UTF8.self)
  switch outcomes[0] {
  case .delivered(let response):
    // libcurl takes a status line that begins with "http" in other letters for one of status 200 (lib/http.c, checkhttpprefix).
    check(head.lowercased().hasPrefix("http") && response.message.isPlainLine && response.rejectedSpans >= 0, "delivered, after \(head)")
  case .postponed(let failure, let retryAfter):
    check(failure.message.isPlainLine, "a message that is no line: \(failure.message.debugDescription)")
    if case .status(let status) = failure.kind { check(RetryPolicy.isRetryable(status: status), "tried again after status \(status)") }
    let delay = RetryPolicy().delay(failures: 1, retryAfter: retryAfter, random: 0)
    check(delay >= 0.8 && delay <= 60, "a pause of \(delay) s")
  case .refused(let failure):
    check(failure.message.isPlainLine, "a message that is no line: \(failure.message.debugDescription)")
    if case .status(let status) = failure.kind { check(!RetryPolicy.isRetryable(status: status), "given up after status \(status)") }
  }
}
