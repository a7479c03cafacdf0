import COTelHookABI
import COTelShims
import OTelAPI
import OTelInstrumentation
import OTelPrimitives
import OTelSemanticConventions

/// Connects of Unix sockets: they end with the call.
extension SocketInstrumentor {
  @inline(never)
  func endUnix(_ span: OpenSpan, _ address: UnsafePointer<sockaddr>?, _ length: UInt32, _ error: Int32) {
    // Interrupted, or before a server whose queue is full: unlike TCP's, nothing goes on, and the program calls again.
    guard let address, error != EINTR, isOutcome(error), UnixAddress.with(address, length: length, { end(span, path: $0, error) }) else {
      return tracer.discard(span)
    }
  }

  private func end(_ span: OpenSpan, path: Text, _ error: Int32) {
    SpanName.with("socket connect ", path) { name in
      tracer.closeHalf(span, name: name, kind: .internal, scope: .sockets) { _ in } end: {
        $0.updateName(name)
        $0.set(Attribute.networkPeerAddress, path)
        $0.set(Attribute.networkTransport, ascii: Text("unix"))
        guard error != 0 else { return }
        $0.set(Attribute.errorType, ascii: Text(ConnectError.name(error)))
        $0.setError()
      }
    }
  }
}
