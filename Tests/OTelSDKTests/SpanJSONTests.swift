import Foundation
import OTLPWire
import OTelPrimitives
import OTelTestSupport
import Testing

@testable import OTelSDK

@Suite struct SpanJSONTests {
  private let process = TestProcess()

  private func written(_ message: [UInt8], resource: Resource = Resource(), longestValue: Int = .max) throws -> String {
    process.state.instanceHigh.store(0x0123_4567_89ab_cdef)
    process.state.instanceLow.store(0xfedc_ba98_7654_3210)
    process.state.processID.store(4711)
    let guarded = GuardedText(message)
    defer { withExtendedLifetime(guarded) {} }
    let span = SpanJSON(message: UnsafeRawBufferPointer(start: guarded.text.start, count: guarded.text.count))
    return try #require(
      JSONWriterTests.written(longestValue: longestValue) { span.write(to: &$0, resource: resource, process: process.state) })
  }

  private func object(_ message: [UInt8]) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(written(message).utf8)) as? [String: Any])
  }

  private func message(_ build: (inout MessageBuilder) -> Void) -> [UInt8] {
    var builder = MessageBuilder()
    build(&builder)
    return builder.bytes
  }

  private func attribute(_ key: String, _ build: @escaping (inout MessageBuilder) -> Void) -> [UInt8] {
    message { span in
      span.append(field: 9) { pair in
        pair.append(field: 1, string: key)
        pair.append(field: 2) { build(&$0) }
      }
    }
  }

  @Test func asPythonWritesIt() throws {
    let span = message {
      $0.append(field: 1, bytes: bigEndian(0x4bf9_2f35_77b3_4da6, 0xa3ce_929d_0e0e_4736))
      $0.append(field: 2, bytes: bigEndian(0xe280_48e6_c278_8816))
      $0.append(field: 4, bytes: bigEndian(0x00f0_67aa_0ba9_02b7))
      $0.append(field: 5, string: "GET /rolldice")
      $0.append(field: 6, varint: 2)
      $0.append(field: 7, fixed64: 1_795_346_434_989_432_000)
      $0.append(field: 8, fixed64: 1_795_346_434_990_440_000)
      $0.append(field: 9, attribute: "http.route", "/rolldice")
      $0.append(field: 9, attribute: "server.port", 18082)
    }
    let expected = """
      {"name": "GET /rolldice", "context": {"trace_id": "0x4bf92f3577b34da6a3ce929d0e0e4736", "span_id": "0xe28048e6c2788816", \
      "trace_state": "[]"}, "kind": "SpanKind.SERVER", "parent_id": "0x00f067aa0ba902b7", "start_time": "2026-11-22T11:20:34.989432Z", \
      "end_time": "2026-11-22T11:20:34.990440Z", "status": {"status_code": "UNSET"}, \
      "attributes": {"http.route": "/rolldice", "server.port": 18082}, "events": [], "links": [], \
      "resource": {"attributes": {"service.instance.id": "01234567-89ab-4def-bedc-ba9876543210", "process.pid": 4711}, \
      "schema_url": "https://opentelemetry.io/schemas/1.44.0"}}

      """
    #expect(try written(span) == expected)
  }

  @Test func aRootHasNoParent() throws { #expect(try object([])["parent_id"] is NSNull) }

  @Test(arguments: [(0, "INTERNAL"), (1, "INTERNAL"), (2, "SERVER"), (3, "CLIENT"), (4, "PRODUCER"), (5, "CONSUMER"), (99, "INTERNAL")])
  func kind(_ number: UInt64, _ name: String) throws {
    #expect(try object(message { $0.append(field: 6, varint: number) })["kind"] as? String == "SpanKind." + name)
  }

  @Test(arguments: [(0, "UNSET"), (1, "OK"), (2, "ERROR"), (7, "UNSET")] as [(UInt64, String)])
  func status(_ code: UInt64, _ name: String) throws {
    let bare = try object(message { $0.append(field: 15) { $0.append(field: 3, varint: code) } })["status"] as? [String: String]
    #expect(bare == ["status_code": name])
    let described = message {
      $0.append(field: 15) {
        $0.append(field: 2, string: "no \"route\"")
        $0.append(field: 3, varint: code)
      }
    }
    #expect(try object(described)["status"] as? [String: String] == ["status_code": name, "description": "no \"route\""])
  }

  /// The texts are `repr(TraceState.from_header([...]))` of opentelemetry-api 1.45.
  @Test(arguments: [
    ("", "[]"), ("vendor=value", "['{key=vendor, value=value}']"), ("a=1, b=2 ,", "['{key=a, value=1}', '{key=b, value=2}']"),
    ("a=it's", #"["{key=a, value=it's}"]"#), ("a='\"", #"['{key=a, value=\'"}']"#), (#"a=\b"#, #"['{key=a, value=\\b}']"#), ("noequals", "[]"),
  ])
  func traceState(_ state: String, _ expected: String) throws {
    let context = try object(message { $0.append(field: 3, string: state) })["context"] as? [String: String]
    #expect(context?["trace_state"] == expected)
  }

  /// The recorder writes the name again when it knows it better.
  @Test func ofAFieldTheLastCounts() throws {
    let span = message {
      $0.append(field: 5, string: "socket connect")
      $0.append(field: 5, string: "socket connect 127.0.0.1:80")
    }
    #expect(try object(span)["name"] as? String == "socket connect 127.0.0.1:80")
  }

  @Test func attributeTypes() throws {
    func text(_ build: @escaping (inout MessageBuilder) -> Void) throws -> String {
      let line = try written(attribute("k", build))
      let start = try #require(line.range(of: #""attributes": {"k": "#)).upperBound
      return String(line[start...].prefix(upTo: try #require(line.range(of: #"}, "events""#)).lowerBound))
    }
    #expect(try text { $0.append(field: 1, string: "a\nb") } == #""a\nb""#)
    #expect(try text { $0.append(field: 1, string: "") } == #""""#)
    #expect(try text { $0.append(field: 2, varint: 1) } == "true")
    #expect(try text { $0.append(field: 2, varint: 0) } == "false")
    for number in [0, 1, -1, .max, .min] as [Int64] {
      #expect(try text { $0.append(field: 3, varint: UInt64(bitPattern: number)) } == String(number))
    }
    #expect(try text { _ in } == "null")
    #expect(try text { $0.append(field: 4, fixed64: 1.5.bitPattern) } == "null")
    #expect(try text { $0.append(field: 5) { _ in } } == "[]")
    func array(_ inner: @escaping (inout MessageBuilder) -> Void) -> (inout MessageBuilder) -> Void {
      { any in
        any.append(field: 5) { array in
          array.append(field: 1) { $0.append(field: 3, varint: 7) }
          array.append(field: 1) { $0.append(field: 1, string: "x") }
          array.append(field: 1) { inner(&$0) }
        }
      }
    }
    #expect(try text(array { $0.append(field: 2, varint: 1) }) == #"[7, "x", true]"#)
    // An attribute has no arrays of arrays, and no stack of a small thread is spent on them.
    #expect(try text(array(array { _ in })) == #"[7, "x", null]"#)
    #expect(try text(array { _ in }) == #"[7, "x", null]"#)
  }

  @Test func resource() throws {
    let attributes = message {
      $0.append(field: 1, attribute: "service.name", "shop")
      $0.append(field: 1, attribute: "process.pid", "mine")
    }
    let guarded = GuardedText(attributes)
    defer { withExtendedLifetime(guarded) {} }
    var resource = Resource()
    resource.attributes = guarded.text
    resource.hasProcessID = true
    let line = try written([], resource: resource)
    #expect(line.contains(#""resource": {"attributes": {"service.name": "shop", "process.pid": "mine", "service.instance.id": "01234567-"#))
    #expect(!line.contains("4711"))
    resource.hasInstanceID = true
    #expect(try written([], resource: resource).contains(#"{"service.name": "shop", "process.pid": "mine"}"#))
  }

  /// Whatever is in a slot: a line of valid JSON, or none.
  @Test func randomBytesAreValidJSON() throws {
    var random = SeededGenerator(seed: 31_415)
    for round in 0..<4000 {
      let bytes = (0..<Int.random(in: 0...120, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      let span = switch round % 4 {
      case 0: bytes
      case 1: attribute("key") { $0.append(field: 1, bytes: bytes) }
      case 2: message { $0.append(field: 9, bytes: bytes) }
      default: message { for field in 1...16 { $0.append(field: field, bytes: bytes.shuffled(using: &random)) } }
      }
      let line = try written(span, longestValue: [.max, 100, 16].randomElement(using: &random)!)
      #expect(line.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x80 || $0 == 0x0a })
      #expect(line.split(separator: "\n", omittingEmptySubsequences: false).count == 2)
      let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      #expect(object?.count == 11, "seed 31415, round \(round): \(span)")
    }
  }
}
