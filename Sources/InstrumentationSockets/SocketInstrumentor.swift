public import COTelHookABI
import COTelShims
public import OTelAPI
import OTelInstrumentation
import OTelPrimitives
import OTelSemanticConventions

/// Traces `connect(2)` of TCP sockets that wait for the outcome: one INTERNAL span each.
///
/// Source: semantic conventions, dotnet/dotnet-network-traces.md, "Socket connect". A socket that does not wait answers EINPROGRESS:
/// then there is no span, since its end is not seen here. Under a traced libcurl call there is none: that span's layer.
/// Any thread; async-signal-safe; allocates never.
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
    otel_socket_hint(descriptor).pointee = UInt8(truncatingIfNeeded: isTCP ? OTEL_SOCKET_TCP : OTEL_SOCKET_OTHER)
  }

  /// Starts the span without its peer: the address may be anything until the kernel has read it.
  @inline(__always)
  public func connectEnter(_ call: UnsafeMutablePointer<otel_call>, _ descriptor: Int32) {
    guard descriptor >= 0, descriptor < OTEL_SOCKET_HINTS, otel_socket_hint(descriptor).pointee == UInt8(truncatingIfNeeded: OTEL_SOCKET_TCP)
    else { return }
    guard tracer.recordsRoots else { return }
    let scope = CallScope(tracer: tracer)
    guard !scope.isInsideCall(call), var span = scope.begin(call) else { return }
    tracer.openHalf(&span, name: Text("socket connect"), kind: .internal, scope: .sockets) { _ in }
    scope.enter(call, span)
  }

  @inline(__always)
  public func connectExit(
    _ call: UnsafeMutablePointer<otel_call>, _ address: UnsafePointer<sockaddr>?, _ length: UInt32, _ result: Int32, _ error: Int32
  ) {
    let span = CallScope(tracer: tracer).leave(call)
    guard span.isRecording else { return }
    guard let address, result == 0 || isOutcome(error) else { return tracer.discard(span) }
    let isKnown = withPeer(address, length) { peer, name in
      tracer.closeHalf(span, name: Text("socket connect"), kind: .internal, scope: .sockets) { _ in
      } end: {
        $0.updateName(name)
        writePeer(&$0, peer, name)
        if result != 0 {
          $0.set(Attribute.errorType, ascii: Text(ConnectError.name(error)))
          $0.setError()
        }
      }
    }
    // Neither IPv4 nor IPv6: AF_UNSPEC dissolves an association and connects nothing.
    if !isKnown { tracer.discard(span) }
  }

  /// Whether `error` says how the attempt ended. The first four say that it goes on, or goes on without us; the others that there was
  /// no attempt: not a socket, or an address that the kernel could not read.
  private func isOutcome(_ error: Int32) -> Bool {
    switch error {
    case EINPROGRESS, EALREADY, EINTR, EAGAIN, EFAULT, EBADF, ENOTSOCK: false
    default: true
    }
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

  @inline(__always)
  private func writePeer<A: SpanAttributes>(_ attributes: inout A, _ peer: PeerAddress, _ name: Text) {
    attributes.set(Attribute.networkPeerAddress, ascii: name.slice(15, 15 &+ peer.count))
    attributes.set(Attribute.networkPeerPort, Int64(peer.port))
    attributes.set(Attribute.networkType, ascii: peer.isIPv6 ? Text("ipv6") : Text("ipv4"))
  }
}
