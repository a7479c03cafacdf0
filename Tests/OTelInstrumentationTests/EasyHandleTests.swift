import COTelHookABI
import OTelPrimitives
import OTelTestSupport
import Testing

@testable import InstrumentationCurl

@Suite final class EasyHandleTests {
  private let record = UnsafeMutablePointer<otel_curl_handle>.allocate(capacity: 1)
  private var handle: EasyHandle { EasyHandle(record) }

  init() { UnsafeMutableRawPointer(record).initializeMemory(as: UInt8.self, repeating: 0, count: MemoryLayout<otel_curl_handle>.size) }
  deinit { record.deallocate() }

  private func set(_ option: Int32, _ value: UInt) { handle.follow(Int(option), value) }
  private func set(_ option: Int32, _ string: String) { string.withCString { handle.follow(Int(option), UInt(bitPattern: $0)) } }
  private func option(_ value: some BinaryInteger) -> Int32 { Int32(value) }

  @Test(arguments: [
    ("http://u:p@example.com:81/?sig=x", "http://REDACTED:REDACTED@example.com:81/?sig=REDACTED", "example.com", 81),
    ("https://[::1]/", "https://[::1]/", "::1", 443), ("u:p@h/x", "http://REDACTED:REDACTED@h/x", "h", 80), ("http://[::1", "http://[::1", "[", 80),
  ] as [(String, String, String, UInt32)])
  func urlIsKeptRedacted(_ given: String, _ kept: String, _ address: String, _ port: UInt32) {
    set(option(OTEL_CURLOPT_URL), given)
    #expect(record.pointee.url_kind == URLKind.http)
    #expect(handle.url.string == kept)
    #expect(handle.serverAddress.string == address)
    #expect(record.pointee.port == port)
  }

  @Test func anotherProtocol() {
    set(option(OTEL_CURLOPT_URL), "ftp://h/")
    #expect(record.pointee.url_kind == URLKind.other)
    set(option(OTEL_CURLOPT_URL), "http://h/")
    #expect(record.pointee.url_kind == URLKind.http)
    set(option(OTEL_CURLOPT_URL), 0)
    #expect(record.pointee.url_kind == URLKind.unknown)
  }

  /// CURLOPT_CONNECT_ONLY: 1 connects and no more, 2 opens a WebSocket by a request.
  @Test func aMereConnectionIsNoRequest() {
    set(option(OTEL_CURLOPT_URL), "http://h/")
    for (value, isNone) in [(1, true), (2, false), (1, true), (0, false)] as [(UInt, Bool)] {
      set(option(OTEL_CURLOPT_CONNECT_ONLY), value)
      #expect(handle.makesNoRequest == isNone)
    }
    set(option(OTEL_CURLOPT_CONNECT_ONLY), 1)
    handle.clear()
    #expect(!handle.makesNoRequest)
  }

  @Test func proxies() {
    #expect(record.pointee.proxy == ProxyChoice.environment)
    set(option(OTEL_CURLOPT_PROXY), "proxy:3128")
    #expect(record.pointee.proxy == ProxyChoice.own)
    set(option(OTEL_CURLOPT_PROXY), "")
    #expect(record.pointee.proxy == ProxyChoice.none)
    set(option(OTEL_CURLOPT_PROXY), 0)
    #expect(record.pointee.proxy == ProxyChoice.environment)
  }

  @Test func withADefaultProtocolLibcurlDecides() {
    set(option(OTEL_CURLOPT_DEFAULT_PROTOCOL), "https")
    set(option(OTEL_CURLOPT_URL), "h/")
    #expect(record.pointee.url_kind == URLKind.unknown && record.pointee.url_count == 0)
  }

  @Test func aLongURLIsCut() {
    set(option(OTEL_CURLOPT_URL), "http://h/" + String(repeating: "p", count: 10_000))
    #expect(record.pointee.url_count == UInt32(OTEL_CURL_URL))
    #expect(handle.serverAddress.string == "h")
  }

  /// A userinfo that does not end where it was looked at must not be taken for a host.
  @Test(arguments: [65_000, 65_536, 70_000, 200_000]) func aPasswordIsNeverAHost(_ count: Int) {
    set(option(OTEL_CURLOPT_URL), "http://CANARY:" + String(repeating: "p", count: count) + "@h/")
    #expect(!handle.url.string.contains("CANARY") && !handle.url.string.contains("ppp"))
    #expect(record.pointee.url_count == 0 || handle.serverAddress.string == "h")
  }

  private enum Step { case get(UInt), post(UInt), noBody(UInt), upload(UInt), fields(UInt), custom(String?) }

  private func method(after steps: [Step]) -> String {
    for step in steps {
      switch step {
      case .get(let value): set(option(OTEL_CURLOPT_HTTPGET), value)
      case .post(let value): set(option(OTEL_CURLOPT_POST), value)
      case .noBody(let value): set(option(OTEL_CURLOPT_NOBODY), value)
      case .upload(let value): set(option(OTEL_CURLOPT_UPLOAD), value)
      case .fields(let value): set(option(OTEL_CURLOPT_POSTFIELDS), value)
      case .custom(let name?): set(option(OTEL_CURLOPT_CUSTOMREQUEST), name)
      case .custom(nil): set(option(OTEL_CURLOPT_CUSTOMREQUEST), 0)
      }
    }
    return handle.method.string
  }

  @Test func methods() {
    #expect(method(after: []) == "GET")
    #expect(method(after: [.post(1)]) == "POST")
    #expect(method(after: [.post(0)]) == "GET")
    #expect(method(after: [.noBody(1)]) == "HEAD")
    #expect(method(after: [.noBody(0)]) == "GET")
    #expect(method(after: [.upload(1)]) == "PUT")
    #expect(method(after: [.get(1)]) == "GET")
    #expect(method(after: [.fields(1)]) == "POST")
    #expect(method(after: [.custom("DELETE")]) == "DELETE")
    #expect(method(after: [.custom(nil)]) == "POST")
    #expect(method(after: [.custom(String(repeating: "M", count: 40))]) == String(repeating: "M", count: 32))
  }
}
