import COTelHookABI
import COTelShims
import OTelAPI
import OTelInstrumentation
import OTelPrimitives
import OTelSemanticConventions

/// What a transfer spent its time with, as children of its span: the look-up of the name, the connection, the TLS handshake, and the wait
/// for the response. On request (`OTEL_NATIVE_CURL_PHASES`), and made when the transfer has ended, of the times that libcurl took.
///
/// Those are microseconds since the request's beginning, 0 for what did not happen. Of several requests in one transfer (redirects,
/// authentication) libcurl adds each step's up, so that none is known; then there are no phases. Where a proxy is between, libcurl
/// tells neither whose name was looked up nor when the tunnel was there. A name that libcurl remembers is looked up in a
/// microsecond. 7.88 tells when the connection was there only if the handshake succeeded, too; 7.61 and 8.23 do in any case.
/// Source: https://curl.se/libcurl/c/curl_easy_getinfo.html#TIMES; semantic conventions, dotnet/dotnet-network-traces.md.
struct TransferPhases<T: Tracer> {
  let tracer: T
  /// The transfer's. By address: the struct is passed on, and would take its whole on the stack each time.
  let span: UnsafePointer<OpenSpan>
  let handle: EasyHandle
  let library: UnsafePointer<otel_curl_library>
  let easy: UnsafeMutableRawPointer
  let result: Int32

  enum Phase { case lookup, connection, handshake, response }

  /// - Parameters:
  ///   - begin: what libcurl's times are counted from, CLOCK_MONOTONIC, as `end`.
  ///   - isDriven: in a multi handle, where a transfer may have waited for its turn.
  @inline(__always)
  func record(from begin: UInt64, isDriven: Bool, to end: UInt64) {
    // Below zero: a libcurl before 7.61.
    guard tracer.isOwn(span.pointee), time(OTEL_CURLINFO_REDIRECT_TIME_T) == 0 else { return }
    let looked = time(OTEL_CURLINFO_NAMELOOKUP_TIME_T)
    let connected = time(OTEL_CURLINFO_CONNECT_TIME_T)
    let secured = time(OTEL_CURLINFO_APPCONNECT_TIME_T)
    let timeline = Timeline(begin: begin, end: end)
    let tunnel = number(OTEL_CURLINFO_HTTP_CONNECTCODE)
    // A connection that was there already has times too, in some versions; and one that did not come about is not counted, in others.
    if peer.isEmpty || number(OTEL_CURLINFO_NUM_CONNECTS) > 0 {
      if hasName, looked != 0 || failedToResolve(isDriven) { write(.lookup, timeline, 0, looked) }
      // Newer versions count the tunnel to it.
      if looked != 0, peer.isEmpty || connected != 0, tunnel <= 0 { write(.connection, timeline, looked, connected) }
      if connected != 0, handle.isSecure || secured != 0, !isProxied { write(.handshake, timeline, connected, secured) }
    }
    // Newer versions set these times of what has failed before, to when it failed.
    guard number(OTEL_CURLINFO_REQUEST_SIZE) > 0, tunnel < 300 else { return }
    let isAnswered = number(OTEL_CURLINFO_RESPONSE_CODE) > 0
    write(.response, timeline, time(OTEL_CURLINFO_PRETRANSFER_TIME_T), isAnswered ? time(OTEL_CURLINFO_STARTTRANSFER_TIME_T) : 0)
  }

  @inline(never)
  private func number(_ info: Int) -> Int { otel_curl_number(library, easy, Int32(truncatingIfNeeded: info)) }

  @inline(never)
  private func time(_ info: Int) -> Int64 { otel_curl_large_number(library, easy, Int32(truncatingIfNeeded: info)) }

  /// Offsets of libcurl as times, none of which is outside of the transfer.
  private struct Timeline {
    let begin: UInt64
    let end: UInt64

    @inline(__always)
    func at(_ microseconds: Int64) -> UInt64 {
      let time = begin &+ UInt64(bitPattern: microseconds) &* 1000
      return time < end && time >= begin ? time : end
    }
  }

  // MARK: What is known

  /// A transfer that failed before a name was found may have failed for other reasons, or waited in a multi handle for its turn.
  private func failedToResolve(_ isDriven: Bool) -> Bool {
    switch result {
    case 6: true
    case 28, 42: !isDriven
    default: false
    }
  }

  /// -1, 0 or, of a Unix socket, any: there is none.
  private var peerPort: Int { number(OTEL_CURLINFO_PRIMARY_PORT) }

  /// Whether there is a proxy between, as far as the options, the environment and the peer's port tell.
  private var isProxied: Bool {
    switch handle.record.pointee.proxy {
    case ProxyChoice.own: true
    case ProxyChoice.environment where otel_curl_phases() == OTEL_CURL_PHASES_BESIDE_PROXY: true
    default: IPLiteral.isOne(peer) && peerPort > 0 && peerPort != Int(handle.record.pointee.port)
    }
  }

  /// Whether the server's name had to be looked up.
  private var hasName: Bool {
    !isProxied && (peer.isEmpty || IPLiteral.isOne(peer)) && !handle.serverAddress.isEmpty && !IPLiteral.isOne(handle.serverAddress)
  }

  /// The address that was connected to last; empty: to none. Of a Unix socket the path.
  private var peer: Text {
    otel_curl_string(library, easy, Int32(OTEL_CURLINFO_PRIMARY_IP)).map { Text(cString: $0, limit: 108) } ?? Text("")
  }

  // MARK: A span

  /// - Parameter until: 0: it was not over when the transfer was.
  @inline(never)
  private func write(_ phase: Phase, _ timeline: Timeline, _ from: Int64, _ until: Int64) {
    let begin = timeline.at(from)
    let end = until == 0 ? timeline.end : timeline.at(until)
    let part = tracer.startPart(of: span.pointee, at: begin)
    guard let recorder = recorder(of: phase, part, isOver: until != 0) else { return tracer.count(.noSlot) }
    tracer.end(recorder, of: part, scope: .curl, at: end > begin ? end : begin)
  }

  @inline(never)
  private func recorder(of phase: Phase, _ part: OpenSpan, isOver: Bool) -> T.Recorder? {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 128) { buffer in
      var part = part
      guard let start = buffer.baseAddress,
        var recorder = tracer.record(&part, name: name(of: phase, to: start), kind: .internal, scope: .curl)
      else { return nil }
      writeAttributes(of: phase, &recorder)
      if !isOver, result != OTEL_CURLE_OK, let error = error(of: phase) {
        recorder.set(Attribute.errorType, ascii: Text(error))
        recorder.setError()
      }
      return recorder
    }
  }

  /// Of a connect as the span of a program's own connect says it; otherwise as the transfer's.
  private func error(of phase: Phase) -> StaticString? {
    guard case .connection = phase else { return TransferError.name(result) }
    let systemError = number(OTEL_CURLINFO_OS_ERRNO)
    switch result {
    case 7 where systemError > 0: return ConnectError.name(Int32(truncatingIfNeeded: systemError))
    case 28: return "timed_out"
    default: return TransferError.name(result)
    }
  }

  private func writeAttributes(of phase: Phase, _ recorder: inout T.Recorder) {
    switch phase {
    case .lookup: recorder.set(Attribute.dnsQuestionName, handle.serverAddress)
    case .connection: writePeer(&recorder)
    case .handshake:
      recorder.set(Attribute.tlsProtocolName, ascii: Text("tls"))
      recorder.set(Attribute.serverAddress, handle.serverAddress)
    case .response:
      recorder.set(Attribute.serverAddress, handle.serverAddress)
      recorder.set(Attribute.serverPort, Int64(handle.record.pointee.port))
    }
  }

  private func writePeer(_ recorder: inout T.Recorder) {
    let peer = peer
    guard !peer.isEmpty else { return }
    recorder.set(Attribute.networkPeerAddress, peer)
    guard IPLiteral.isOne(peer) else { return recorder.set(Attribute.networkTransport, ascii: Text("unix")) }
    recorder.set(Attribute.networkPeerPort, Int64(peerPort))
    recorder.set(Attribute.networkType, ascii: peer.firstIndex(of: 0x3a) != nil ? Text("ipv6") : Text("ipv4"))
    // HTTP/3.
    if number(OTEL_CURLINFO_HTTP_VERSION) == 30 { recorder.set(Attribute.networkTransport, ascii: Text("quic")) }
  }

  /// - Parameter target: room for 128 bytes; a name has at most 127.
  private func name(of phase: Phase, to target: UnsafeMutablePointer<UInt8>) -> Text {
    let host = handle.serverAddress
    switch phase {
    case .lookup: return name("DNS lookup ", host, port: 0, to: target)
    case .connection: return name("socket connect ", peer, port: IPLiteral.isOne(peer) ? peerPort : 0, to: target)
    case .handshake: return name("TLS client handshake ", host, port: 0, to: target)
    case .response: return name("HTTP wait_for_response ", host, port: Int(handle.record.pointee.port), to: target)
    }
  }

  /// "{what} {detail}:{port}"; without a detail where there is none, or one that is not ASCII, or too long.
  @inline(never)
  private func name(_ what: StaticString, _ detail: Text, port: Int, to target: UnsafeMutablePointer<UInt8>) -> Text {
    let what = Text(what)
    guard !detail.isEmpty, detail.count < 96, UTF8Measure.isASCII(detail) else { return what.slice(0, what.count &- 1) }
    memcpy(target, what.start, what.count)
    memcpy(target + what.count, detail.start, detail.count)
    var count = what.count &+ detail.count
    if port > 0 {
      target[count] = 0x3a
      count = count &+ 1 &+ Decimal.write(UInt64(truncatingIfNeeded: port), to: target + count + 1)
    }
    return Text(target, count: count)
  }
}
