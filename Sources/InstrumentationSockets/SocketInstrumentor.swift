public import COTelHookABI
import COTelShims
public import OTelAPI
import OTelInstrumentation
import OTelPrimitives
import OTelSemanticConventions

/// Traces `connect(2)` of TCP sockets, and of Unix sockets where that is asked for: one INTERNAL span each, from the call until the program
/// learns the outcome.
///
/// That is when the call returns, if it waits. If it does not, or was interrupted, the attempt goes on (`PendingConnects`), and the program
/// learns of it by SO_ERROR, by another connect, by the first use of the socket, or not at all: then the span ends when it closes the
/// descriptor. Source: semantic conventions, dotnet/dotnet-network-traces.md, "Socket connect". Under a traced libcurl call there is none:
/// that span's layer. Any thread; async-signal-safe; allocates never.
public struct SocketInstrumentor<T: Tracer> {
  let tracer: T

  @inline(__always)
  public init(tracer: T) { self.tracer = tracer }

  @inline(__always)
  public func opened(_ descriptor: Int32, domain: Int32, type: Int32, protocol number: Int32) {
    guard descriptor >= 0, descriptor < OTEL_SOCKET_HINTS else { return }
    let isInternet = domain == AF_INET || domain == AF_INET6
    // SOCK_NONBLOCK and SOCK_CLOEXEC are flags above the type. 0 is the type's own protocol, 262 IPPROTO_MPTCP.
    let isTCP = isInternet && type & 0xf == 1 && (number == 0 || number == 6 || number == 262)
    // It was closed unseen.
    if otel_is_connecting(descriptor) { drop(descriptor) }
    // SOCK_STREAM and SOCK_SEQPACKET connect; datagrams only learn where they go to.
    let isUnix = domain == AF_UNIX && (type & 0xf == 1 || type & 0xf == 5)
    let traced = otel_traced_sockets()
    var hint = OTEL_SOCKET_OTHER
    if isTCP, traced & Int32(OTEL_TRACES_TCP) != 0 { hint = OTEL_SOCKET_TCP }
    if isUnix, traced & Int32(OTEL_TRACES_UNIX) != 0 { hint = OTEL_SOCKET_UNIX }
    otel_socket_hint(descriptor).pointee = UInt8(truncatingIfNeeded: hint)
  }

  /// Starts the span without its peer: the address may be anything until the kernel has read it.
  @inline(__always)
  public func connectEnter(_ call: UnsafeMutablePointer<otel_call>, _ descriptor: Int32) {
    guard descriptor >= 0, descriptor < OTEL_SOCKET_HINTS, otel_socket_hint(descriptor).pointee & UInt8(truncatingIfNeeded: OTEL_SOCKET_TCP) != 0
    else { return }
    guard tracer.recordsRoots else { return }
    let scope = CallScope(tracer: tracer)
    guard !scope.isInsideCall(call), var span = scope.begin(call) else { return }
    tracer.openHalf(&span, name: Text("socket connect"), kind: .internal, scope: .sockets) { _ in }
    scope.enter(call, span)
  }

  @inline(__always)
  public func connectExit(
    _ call: UnsafeMutablePointer<otel_call>, _ descriptor: Int32, _ address: UnsafePointer<sockaddr>?, _ length: UInt32, _ result: Int32, _ error: Int32
  ) {
    let error = result == 0 ? 0 : error
    var span = call.pointee.state != 0 ? CallScope(tracer: tracer).leave(call) : nil
    if otel_is_connecting(descriptor), isOfPending(descriptor, address, length, error) {
      if let span { tracer.discard(span) }
      span = nil
    }
    guard var span, span.isRecording else { return }
    if otel_socket_hint(descriptor).pointee == UInt8(truncatingIfNeeded: OTEL_SOCKET_UNIX) { return endUnix(span, address, length, error) }
    let goesOn = error == EINPROGRESS || error == EINTR
    guard let address, goesOn || isOutcome(error) else { return tracer.discard(span) }
    let isKnown = withPeer(address, length) { peer, name in
      if goesOn {
        pend(&span, descriptor, address, length, peer, name)
      } else {
        end(&span, peer, name, isDescribed: false, error: error)
      }
    }
    // Neither IPv4 nor IPv6: AF_UNSPEC dissolves an association and connects nothing.
    if !isKnown { tracer.discard(span) }
  }

  /// The program has read SO_ERROR of a socket whose connect is in progress.
  @inline(__always)
  public func errorRead(_ descriptor: Int32, _ error: Int32) {
    switch error {
    case EINPROGRESS, EALREADY, EINTR, EAGAIN: return
    default: endPending(descriptor, error)
    }
  }

  /// The program has sent or received, or has asked for the peer.
  @inline(__always)
  public func used(_ descriptor: Int32, _ error: Int32) {
    switch error {
    // What TCP says of an attempt; the others are about the call.
    case 0, ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, ENETDOWN, EHOSTDOWN, ECONNRESET, ECONNABORTED: endPending(descriptor, error)
    case EBADF, ENOTSOCK: drop(descriptor)
    default: return
    }
  }

  /// The program gives up what is in progress on these: a caller's own end is no error.
  ///
  /// Unless it is a child of vfork(2), which closes what its parent has open, and does so in its parent's memory: that is asked when
  /// there is something to give up, and only then.
  @inline(__always)
  public func closed(from first: UInt32, through last: UInt32) {
    guard otel_connects_were_used() else { return }
    var isOurs: Bool?
    PendingConnects.forEach(from: first, through: last) { descriptor in
      let isToEnd = isOurs ?? !tracer.runsInVforkChild
      isOurs = isToEnd
      if isToEnd { endPending(descriptor, 0) }
    }
  }

  // MARK: In progress

  /// Keeps the span, with what is known now, until the outcome is.
  private func pend(
    _ span: inout OpenSpan, _ descriptor: Int32, _ address: UnsafePointer<sockaddr>, _ length: UInt32, _ peer: PeerAddress, _ name: Text
  ) {
    if let recorder = recorder(&span, peer, name, isDescribed: false, error: 0) { tracer.suspend(recorder, of: &span) }
    guard !PendingConnects.insert(descriptor, span, address, length, isOwn: { tracer.isOwn($0) }) else { return }
    tracer.count(.connectTableFull)
    tracer.discard(span)
  }

  /// Whether a connect that returned `error` was about the attempt in progress on `descriptor`; then that one has ended, unless it goes on.
  private func isOfPending(_ descriptor: Int32, _ address: UnsafePointer<sockaddr>?, _ length: UInt32, _ error: Int32) -> Bool {
    switch error {
    // It goes on, or was not looked at.
    case EALREADY, EINTR, EAGAIN, EFAULT, EINVAL, EAFNOSUPPORT: return true
    case EISCONN:
      endPending(descriptor, 0)
      return true
    // Another attempt has begun, or the descriptor is another file's: it was closed unseen.
    case EINPROGRESS, EBADF, ENOTSOCK:
      drop(descriptor)
      return false
    default: break
    }
    if let address, length >= 2, address.pointee.sa_family == sa_family_t(AF_UNSPEC) || isPeer(descriptor, address, length) {
      endPending(descriptor, error)
      return true
    }
    drop(descriptor)
    return false
  }

  /// Whether the attempt in progress on `descriptor` goes to `address`.
  private func isPeer(_ descriptor: Int32, _ address: UnsafePointer<sockaddr>, _ length: UInt32) -> Bool {
    guard let connect = PendingConnects.find(descriptor) else { return false }
    let known = UnsafeRawPointer(otel_connect_address(connect))
    let other = UnsafeRawPointer(address)
    // Family, port and IPv4 address; or family, port, flow and IPv6 address.
    let end = connect.pointee.length >= 24 ? 24 : 8
    guard length >= 16, Int(length) >= end else { return false }
    var offset = 0
    while offset < end {
      if known.loadUnaligned(fromByteOffset: offset, as: UInt64.self) != other.loadUnaligned(fromByteOffset: offset, as: UInt64.self) { return false }
      offset &+= 8
    }
    return true
  }

  @inline(never)
  private func endPending(_ descriptor: Int32, _ error: Int32) {
    PendingConnects.take(descriptor) { connect in
      var span = CallState.load(otel_connect_span(connect))
      // A forked child learns of its parent's too, which is the parent's to end.
      guard tracer.isOwn(span) else { return }
      _ = withPeer(otel_connect_address(connect), connect.pointee.length) { peer, name in
        end(&span, peer, name, isDescribed: true, error: error)
      }
    }
  }

  /// What became of it will not be known any more.
  @inline(never)
  private func drop(_ descriptor: Int32) {
    PendingConnects.take(descriptor) { connect in
      let slot = tracer.slotNumber(CallState.load(otel_connect_span(connect)))
      if slot != 0 { tracer.abandon(slot: slot) }
    }
  }

  // MARK: The span

  /// Whether `error` says how the attempt ended. The others say that there was none: not a socket, or an address that the kernel
  /// could not read; or that another one goes on.
  func isOutcome(_ error: Int32) -> Bool {
    switch error {
    case EALREADY, EAGAIN, EFAULT, EBADF, ENOTSOCK: false
    default: true
    }
  }

  /// The span's recorder, with name, peer and error. Nil: there is no room.
  ///
  /// Apart from `end`: what writes attributes is off the stack before the span is committed, or printed.
  /// - Parameter isDescribed: what is in the span's slot has name and peer.
  @inline(never)
  private func recorder(_ span: inout OpenSpan, _ peer: PeerAddress, _ name: Text, isDescribed: Bool, error: Int32) -> T.Recorder? {
    let kept = tracer.resume(span)
    let isComplete = isDescribed && kept != nil
    guard var recorder = kept ?? tracer.record(&span, name: Text("socket connect"), kind: .internal, scope: .sockets) else { return nil }
    if !isComplete {
      recorder.updateName(name)
      recorder.set(Attribute.networkPeerAddress, ascii: name.slice(15, 15 &+ peer.count))
      recorder.set(Attribute.networkPeerPort, Int64(peer.port))
      recorder.set(Attribute.networkType, ascii: peer.isIPv6 ? Text("ipv6") : Text("ipv4"))
    }
    if error != 0 {
      recorder.set(Attribute.errorType, ascii: Text(ConnectError.name(error)))
      recorder.setError()
    }
    return recorder
  }

  @inline(never)
  private func end(_ span: inout OpenSpan, _ peer: PeerAddress, _ name: Text, isDescribed: Bool, error: Int32) {
    guard let recorder = recorder(&span, peer, name, isDescribed: isDescribed, error: error) else { return tracer.count(.noSlot) }
    tracer.end(recorder, of: span, scope: .sockets, at: 0)
  }

  private static var prefix: StaticString { "socket connect " }

  /// The peer, and the span's name: "socket connect {address}:{port}". False, and `body` is not called, for another family.
  @inline(__always)
  private func withPeer(_ address: UnsafePointer<sockaddr>, _ length: UInt32, _ body: (PeerAddress, Text) -> Void) -> Bool {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 96) { buffer in
      guard let start = buffer.baseAddress else { return false }
      let prefix = Text(Self.prefix)
      memcpy(start, prefix.start, prefix.count)
      guard let peer = PeerAddress(address, length: length, to: start + prefix.count) else { return false }
      var count = prefix.count &+ peer.count
      start[count] = 0x3a
      count &+= 1
      count &+= Decimal.write(UInt64(truncatingIfNeeded: peer.port), to: start + count)
      body(peer, Text(start, count: count))
      return true
    }
  }
}
