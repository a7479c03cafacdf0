public import COTelHookABI
import COTelShims
public import OTelAPI
import OTelInstrumentation
import OTelPrimitives
import OTelSemanticConventions

/// Traces names that a program looks up by getaddrinfo(3) or the gethostbyname(3) family: one INTERNAL span each, for as long as the call.
///
/// Whoever answers: a name server, /etc/hosts, a cache. None for an address, which nobody is asked for, and none under a call that is a
/// span already: that span's layer. The connects that modules of libc make meanwhile (`libnss_…`) are this one's layer.
/// Source: semantic conventions, dotnet/dotnet-network-traces.md, "DNS lookup". Any thread; async-signal-safe; allocates never.
public struct DNSInstrumentor<T: Tracer> {
  let tracer: T

  @inline(__always)
  public init(tracer: T) { self.tracer = tracer }

  @inline(__always)
  public func enter(_ lookup: UnsafeMutablePointer<otel_lookup>, _ name: UnsafePointer<CChar>, asksCanonical: Bool = false) {
    let call = otel_lookup_call(lookup)
    let scope = CallScope(tracer: tracer)
    guard tracer.recordsRoots, keep(name, in: lookup), !scope.isInsideCall(call), var span = scope.begin(call) else { return }
    // What the machine itself is called: git and libldap ask that, in each of their processes, and reach nobody. Known once there is a region.
    if asksCanonical, otel_is_own_name(name, Int(lookup.pointee.name_count)) { return }
    withName(of: lookup) { name in
      tracer.openHalf(&span, name: name, kind: .internal, scope: .dns) { writeStart(lookup, &$0) }
    }
    scope.enter(call, span)
  }

  /// - Parameter addresses: of one answer after the other; none when it failed.
  @inline(__always)
  public func exit(_ lookup: UnsafeMutablePointer<otel_lookup>, _ error: Int32, _ addresses: UnsafePointer<addrinfo>?) {
    close(lookup, error == 0 ? nil : LookupError.name(error)) { answers in
      var next = addresses
      while let one = next?.pointee, answers.hasRoom {
        if let address = one.ai_addr { answers.append(address, length: one.ai_addrlen) }
        next = UnsafePointer(one.ai_next)
      }
    }
  }

  @inline(__always)
  public func exit(_ lookup: UnsafeMutablePointer<otel_lookup>, host error: Int32, number: Int32, _ host: UnsafePointer<hostent>?) {
    // The program's buffer was too small: it asks again, with a larger one.
    if error == NETDB_INTERNAL, number == ERANGE { return tracer.discard(CallScope(tracer: tracer).leave(otel_lookup_call(lookup))) }
    close(lookup, error == 0 ? nil : LookupError.name(host: error, number: number)) { answers in
      guard let host = host?.pointee, var next = host.h_addr_list else { return }
      while let address = next.pointee, answers.hasRoom {
        answers.append(UnsafeRawPointer(address), family: host.h_addrtype, count: host.h_length)
        next += 1
      }
    }
  }

  /// False: it is no name. The empty one and "*" are none to libc either.
  @inline(never)
  private func keep(_ given: UnsafePointer<CChar>, in lookup: UnsafeMutablePointer<otel_lookup>) -> Bool {
    let longest = Int(OTEL_LOOKUP_NAME)
    var name = Text(cString: given, limit: longest &+ 1)
    guard !name.isEmpty, !name.equals("*"), !NumericHost.isAddress(name) else { return false }
    if name.count > longest {
      // Not in the middle of a character.
      var end = longest
      while end > 0, name[end] & 0xc0 == 0x80 { end &-= 1 }
      name = name.slice(0, end)
    }
    memcpy(place(lookup), name.start, name.count)
    lookup.pointee.name_count = UInt8(truncatingIfNeeded: name.count)
    return true
  }

  @inline(__always)
  private func place(_ lookup: UnsafeMutablePointer<otel_lookup>) -> UnsafeMutablePointer<UInt8> {
    (UnsafeMutableRawPointer(lookup) + Int(OTEL_LOOKUP_NAME_OFFSET)).assumingMemoryBound(to: UInt8.self)
  }

  @inline(__always)
  func name(_ lookup: UnsafeMutablePointer<otel_lookup>) -> Text { Text(place(lookup), count: Int(lookup.pointee.name_count)) }

  @inline(__always)
  private func withName(of lookup: UnsafeMutablePointer<otel_lookup>, _ body: (Text) -> Void) {
    SpanName.with("DNS lookup ", name(lookup), body)
  }

  @inline(__always)
  private func writeStart(_ lookup: UnsafeMutablePointer<otel_lookup>, _ recorder: inout T.Recorder) {
    recorder.set(Attribute.dnsQuestionName, name(lookup))
  }

  @inline(never)
  private func close(_ lookup: UnsafeMutablePointer<otel_lookup>, _ error: StaticString?, _ collect: (inout Answers) -> Void) {
    let span = CallScope(tracer: tracer).leave(otel_lookup_call(lookup))
    withName(of: lookup) { name in
      tracer.closeHalf(span, name: name, kind: .internal, scope: .dns) {
        writeStart(lookup, &$0)
      } end: { recorder in
        if let error {
          recorder.set(Attribute.errorType, ascii: Text(error))
          recorder.setError()
          return
        }
        Answers.with { answers in
          collect(&answers)
          if answers.count > 0 { recorder.set(Attribute.dnsAnswers, strings: UnsafeBufferPointer(start: answers.texts, count: answers.count)) }
        }
      }
    }
  }
}
