import COTelHookABI
import COTelShims
import Glibc
import OTelAPI
import OTelInstrumentation
import OTelPrimitives
import Testing

@testable import InstrumentationDNS
@testable import InstrumentationSockets

@Suite final class LookupTests {
  private let tracer = RecordingTracer()
  private let lookup = UnsafeMutablePointer<otel_lookup>.allocate(capacity: 1)
  private var instrumentor: DNSInstrumentor<RecordingTracer> { DNSInstrumentor(tracer: tracer) }

  init() {
    _ = tracer.prepare()
    lookup.initialize(to: otel_lookup())
  }

  deinit { lookup.deallocate() }

  private var isEntered: Bool { otel_lookup_call(lookup).pointee.state != 0 }
  private var name: String {
    let kept = instrumentor.name(lookup)
    return String(decoding: UnsafeBufferPointer(start: kept.start, count: kept.count), as: UTF8.self)
  }

  @Test(arguments: [
    (EAI_NONAME, "host_not_found"), (-5, "host_not_found"), (EAI_AGAIN, "try_again"), (EAI_FAIL, "no_recovery"),
    (EAI_FAMILY, "address_family_not_supported"), (-9, "address_family_not_supported"), (EAI_BADFLAGS, "invalid_argument"),
    (EAI_SERVICE, "service_not_found"), (EAI_SOCKTYPE, "socket_type_not_supported"), (EAI_SYSTEM, "_OTHER"), (EAI_MEMORY, "_OTHER"),
  ])
  func errors(_ error: Int32, _ name: String) {
    #expect(LookupError.name(error).description == name)
    instrumentor.enter(lookup, "name.example")
    #expect(isEntered)
    instrumentor.exit(lookup, error, nil)
    #expect(tracer.log.ended == [["dns.question.name", "error.type", "error"]])
  }

  @Test func whatTheMachineItselfIsCalled() {
    var own = [CChar](repeating: 0, count: 72)
    #expect(otel_host_name(&own, 72))
    let name = String(decoding: own.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    instrumentor.enter(lookup, name, asksCanonical: true)
    #expect(!isEntered)
    instrumentor.enter(lookup, name + "x", asksCanonical: true)
    #expect(isEntered)
    instrumentor.exit(lookup, 0, nil)
    instrumentor.enter(lookup, name)
    #expect(isEntered)
    instrumentor.exit(lookup, 0, nil)
  }

  @Test func errorsOfHosts() {
    let names = [HOST_NOT_FOUND, NO_DATA, TRY_AGAIN, NO_RECOVERY, NETDB_INTERNAL].map { LookupError.name(host: $0, number: 0).description }
    #expect(names == ["host_not_found", "host_not_found", "try_again", "no_recovery", "_OTHER"])
    #expect(LookupError.name(host: NO_DATA, number: EAFNOSUPPORT).description == "address_family_not_supported")
  }

  @Test(arguments: [
    "127.0.0.1", "127.1", "1", "0x7f.1", "0x7F000001", "017700000001", "4294967295", "1.2.65535", "1.16777215", "0", "0.0.0.0", "::1", "fe80::1%eth0",
    "[::1]", "a:b", "0xff", "1.2.3.0xff", "", "*",
  ])
  func isNoName(_ text: String) {
    instrumentor.enter(lookup, text)
    #expect(!isEntered)
  }

  @Test(arguments: [
    "localhost", "example.com.", "1.2.3.4.5", "256.1.1.1", "4294967296", "1.2.65536", "1.2.3.256", "0x", "0xg", "08", "1.", ".1", "1.2.3.", "1..2", "1a",
    "1.2.3.4 ", "99999999999999999999", "\u{fc}.example", "-1",
  ])
  func isAName(_ text: String) {
    instrumentor.enter(lookup, text)
    #expect(isEntered && name == text)
    // As libc reads them.
    var address = in_addr()
    #expect(text.hasSuffix(" ") || inet_aton(text, &address) == 0)
  }

  /// Any text of what numbers are written with, against libc's own reading.
  @Test func addressesAreLibcsAddresses() {
    let alphabet = Array("0012589.....xXafgF".utf8)
    var found = 0
    for _ in 0..<50_000 {
      let bytes = (0..<Int.random(in: 1...14)).map { _ in alphabet.randomElement()! }
      let text = String(decoding: bytes, as: UTF8.self)
      var address = in_addr()
      let isAddress = inet_aton(text, &address) != 0
      found += isAddress ? 1 : 0
      let isOurs = bytes.withUnsafeBufferPointer { NumericHost.isAddress(Text($0.baseAddress!, count: $0.count)) }
      guard isOurs == isAddress else {
        Issue.record("\(text) is \(isAddress ? "an" : "no") address")
        return
      }
    }
    #expect(found > 500)
  }

  @Test func aNameIsCutBetweenCharacters() {
    instrumentor.enter(lookup, String(repeating: "a", count: 300))
    #expect(name == String(repeating: "a", count: 255))
    instrumentor.exit(lookup, 0, nil)
    instrumentor.enter(lookup, String(repeating: "a", count: 253) + "\u{20ac}\u{20ac}")
    #expect(name == String(repeating: "a", count: 253))
    instrumentor.exit(lookup, 0, nil)
    #expect(tracer.log.ended.count == 2)
  }

  @Test func spanNames() {
    func named(_ rest: [UInt8]) -> String {
      var name = ""
      rest.withUnsafeBufferPointer { bytes in
        SpanName.with("DNS lookup ", Text(bytes.baseAddress!, count: bytes.count)) {
          name = String(validating: UnsafeBufferPointer(start: $0.start, count: $0.count), as: UTF8.self) ?? "not UTF-8"
        }
      }
      return name
    }
    #expect(named(Array("a.b".utf8)) == "DNS lookup a.b")
    #expect(named([0x61, 0xff, 0x62]) == "DNS lookup a\u{fffd}b")
    #expect(named([UInt8](repeating: 0x61, count: 255)).utf8.count == 127)
    #expect(named([UInt8](repeating: 0xff, count: 255)).utf8.count <= 127)
  }

  @Test func aBufferThatIsTooSmallIsAskedAgain() {
    instrumentor.enter(lookup, "a.example")
    instrumentor.exit(lookup, host: NETDB_INTERNAL, number: ERANGE, nil)
    #expect(tracer.log.ended.isEmpty)
    instrumentor.enter(lookup, "a.example")
    instrumentor.exit(lookup, host: 0, number: 0, nil)
    #expect(tracer.log.ended == [["dns.question.name"]])
  }

  @Test func layersBelowAreSilent() {
    instrumentor.enter(lookup, "a.example")
    let inner = UnsafeMutablePointer<otel_lookup>.allocate(capacity: 1)
    defer { inner.deallocate() }
    inner.initialize(to: otel_lookup())
    // On the same stack, and deeper: what a module of libc calls.
    withUnsafeTemporaryAllocation(of: otel_lookup.self, capacity: 1) { _ in instrumentor.enter(inner, "b.example") }
    instrumentor.exit(lookup, 0, nil)
    #expect(tracer.log.ended.count == 1)
  }

  /// Each address once, as many as there is room for.
  @Test func answers() {
    var found: [addrinfo] = []
    var addresses: [sockaddr_in] = (0..<40).map { index in
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      // Each twice.
      address.sin_addr.s_addr = (0x0a00_0000 + UInt32(index / 2)).bigEndian
      return address
    }
    addresses.withUnsafeMutableBufferPointer { list in
      found = list.indices.map { index in
        var one = addrinfo()
        one.ai_addrlen = 16
        one.ai_addr = UnsafeMutableRawPointer(list.baseAddress! + index).assumingMemoryBound(to: sockaddr.self)
        return one
      }
      found.withUnsafeMutableBufferPointer { nodes in
        for index in nodes.indices.dropLast() { nodes[index].ai_next = nodes.baseAddress! + index + 1 }
        instrumentor.enter(lookup, "many.example")
        instrumentor.exit(lookup, 0, nodes.baseAddress)
      }
    }
    #expect(tracer.log.ended == [["dns.question.name", "dns.answers=" + (0..<16).map { "10.0.0.\($0)" }.joined(separator: "|")]])
  }

  // MARK: Unix sockets

  private func unix(_ path: [UInt8], family: Int32 = AF_UNIX, length: Int? = nil) -> String? {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(family)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
    var found: String?
    withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        let isThere = UnixAddress.with($0, length: UInt32(length ?? path.count + 2)) {
          found = String(decoding: UnsafeBufferPointer(start: $0.start, count: $0.count), as: UTF8.self)
        }
        #expect(isThere == (found != nil))
      }
    }
    return found
  }

  @Test func unixAddresses() {
    #expect(unix(Array("/run/a\0rest".utf8)) == "/run/a")
    #expect(unix(Array("/run/a".utf8)) == "/run/a")
    #expect(unix(Array("\0name".utf8)) == "@name")
    #expect(unix(Array("\0na\0me\0".utf8)) == "@na@me@")
    #expect(unix([UInt8](repeating: 0x61, count: 108)) == String(repeating: "a", count: 108))
    #expect(unix([]) == nil && unix(Array("/a".utf8), family: AF_INET) == nil && unix(Array("/a".utf8), length: 111) == nil)
  }

  @Test func whichSocketsAreFollowed() {
    let sockets = SocketInstrumentor(tracer: tracer)
    func hint(_ domain: Int32, _ type: Int32) -> UInt8 {
      sockets.opened(41_000, domain: domain, type: type, protocol: 0)
      return otel_socket_hint(41_000).pointee
    }
    let (tcp, other, unix) = (UInt8(OTEL_SOCKET_TCP), UInt8(OTEL_SOCKET_OTHER), UInt8(OTEL_SOCKET_UNIX))
    #expect([hint(AF_INET, 1), hint(AF_INET6, 1), hint(AF_INET, 2), hint(AF_UNIX, 1)] == [tcp, tcp, other, other])
    otel_set_traced_sockets(Int32(OTEL_TRACES_TCP | OTEL_TRACES_UNIX))
    defer { otel_set_traced_sockets(Int32(OTEL_TRACES_TCP)) }
    #expect([hint(AF_INET, 1), hint(AF_UNIX, 1), hint(AF_UNIX, 5), hint(AF_UNIX, 2), hint(AF_UNIX, 1 | 0o4000)] == [tcp, unix, unix, other, unix])
  }
}
