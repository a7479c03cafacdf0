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
  ] as [(String, String, String, UInt16)])
  func urlIsKeptRedacted(_ given: String, _ kept: String, _ address: String, _ port: UInt16) {
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

  /// Whichever comes last; a URL with a scheme is its own.
  @Test(arguments: [("h/", true), ("ftp.h/", true), ("http://h/", false), ("ftp://h/", false), ("h:80/", true)]) func aDefaultProtocolAfterTheURL(_ url: String, _ isForgotten: Bool) {
    set(option(OTEL_CURLOPT_URL), url)
    set(option(OTEL_CURLOPT_DEFAULT_PROTOCOL), "https")
    #expect((record.pointee.url_kind == URLKind.unknown) == isForgotten)
    set(option(OTEL_CURLOPT_DEFAULT_PROTOCOL), 0)
    set(option(OTEL_CURLOPT_URL), url)
    #expect(record.pointee.url_kind != URLKind.unknown)
  }

  /// CURLOPT_PORT takes the place of the URL's, before and after it, and gives it back.
  @Test(arguments: [
    ("http://h/x", "http://h:81/x"), ("http://h:9/x", "http://h:81/x"), ("https://[::1]:9?q", "https://[::1]:81?q"), ("https://[::1]", "https://[::1]:81"),
    ("u:p@h:12345/#f", "http://REDACTED:REDACTED@h:81/#f"), ("ws://h:80", "ws://h:81"),
  ]) func thePortOption(_ given: String, _ expected: String) {
    set(option(OTEL_CURLOPT_URL), given)
    let (kept, port) = (handle.url.string, record.pointee.port)
    set(option(OTEL_CURLOPT_PORT), 81)
    #expect(handle.url.string == expected && record.pointee.port == 81)
    set(option(OTEL_CURLOPT_URL), given)
    #expect(handle.url.string == expected && record.pointee.port == 81)
    set(option(OTEL_CURLOPT_PORT), 0)
    #expect(record.pointee.port == port && (handle.url.string == kept || kept.contains(":80")))
    handle.clear()
    set(option(OTEL_CURLOPT_URL), given)
    #expect(handle.url.string == kept)
  }

  @Test func thePortOptionOfALongURL() {
    set(option(OTEL_CURLOPT_PORT), 65_535)
    for count in Int(OTEL_CURL_URL) - 16...Int(OTEL_CURL_URL) + 2 {
      set(option(OTEL_CURLOPT_URL), "http://h/" + String(repeating: "p", count: count - 9))
      #expect(record.pointee.url_count == UInt16(min(count + 6, Int(OTEL_CURL_URL))) && handle.url.string.hasPrefix("http://h:65535/ppp"))
      set(option(OTEL_CURLOPT_URL), "http://" + String(repeating: "h", count: count - 7))
      #expect(Int(record.pointee.url_count) <= Int(OTEL_CURL_URL) && record.pointee.port == 65_535)
    }
  }

  @Test func aURLInPartsCounts() {
    set(option(OTEL_CURLOPT_URL), "http://h/")
    set(option(OTEL_CURLOPT_CURLU), 1)
    #expect(!handle.hasURL && record.pointee.url_sources == URLSource.text | URLSource.parts)
    set(option(OTEL_CURLOPT_URL), "http://other/")
    #expect(!handle.hasURL)
    set(option(OTEL_CURLOPT_CURLU), 0)
    set(option(OTEL_CURLOPT_URL), "http://other/")
    #expect(handle.serverAddress.string == "other")
  }

  @Test func aLongURLIsCut() {
    set(option(OTEL_CURLOPT_URL), "http://h/" + String(repeating: "p", count: 10_000))
    #expect(record.pointee.url_count == UInt16(OTEL_CURL_URL))
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
