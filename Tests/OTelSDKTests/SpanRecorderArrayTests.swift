import OTelAPI
import OTelPrimitives
import OTelTestSupport
import Testing

@testable import OTelSDK

@Suite struct SpanRecorderArrayTests {
  private let process = TestProcess()

  private func set(_ recorder: inout SpanRecorder, _ suffix: String, _ values: [[UInt8]]) {
    let texts = values.map { GuardedText($0) }
    defer { withExtendedLifetime(texts) {} }
    withText(suffix) { suffix in texts.map(\.text).withUnsafeBufferPointer { recorder.set("k.", lowercased: suffix, strings: $0) } }
  }

  private func set(_ recorder: inout SpanRecorder, _ suffix: String, _ values: [String]) { set(&recorder, suffix, values.map { Array($0.utf8) }) }

  @Test func strings() throws {
    _ = process.record { recorder in
      set(&recorder, "X-Test", ["one", "", "dré\u{1f600}"])
      set(&recorder, "", ["alone"])
      recorder.set("after", 1)
    }
    let span = try #require(process.spans.first)
    #expect(span.attributes.map(\.key) == ["k.x-test", "k.", "after"])
    #expect(span.attributes.map(\.value) == [.strings(["one", "", "dré\u{1f600}"]), .strings(["alone"]), .int(1)])
    #expect(span.droppedAttributes == 0)
  }

  /// Around the lengths where one byte of length becomes two, and two become three.
  @Test(arguments: Array(100...140) + [1000, 5000, 16_370, 16_390]) func ofAnyLength(_ length: Int) throws {
    _ = process.record { recorder in
      set(&recorder, "a", [String(repeating: "v", count: length)])
      set(&recorder, "b", Array(repeating: "v", count: min(length, 140)))
      recorder.set("after", 1)
    }
    let span = try #require(process.spans.first)
    #expect(span.value("k.a") == .strings([String(repeating: "v", count: min(length, SpanRecorder.valueCapacity))]))
    #expect(span.value("k.b") == .strings(Array(repeating: "v", count: min(length, 140))))
    #expect(span.value("after") == .int(1))
  }

  @Test func whatIsNoUTF8IsRepaired() throws {
    _ = process.record { set(&$0, "k", [[0x61, 0xff, 0x62], [0xc3, 0xa9], [0xc3]]) }
    #expect(try #require(process.spans.first).value("k.k") == .strings(["a\u{fffd}b", "é", "\u{fffd}"]))
  }

  @Test(arguments: [0, 2]) func theLengthLimitIsEachStrings(_ limit: UInt32) throws {
    process.options.pointee.limits.attributeValueLength = limit
    _ = process.record { set(&$0, "k", ["éàü", "b"]) }
    #expect(try #require(process.spans.first).value("k.k") == .strings(limit == 0 ? ["", ""] : ["éà", "b"]))
  }

  @Test(arguments: [0, 1, 2]) func theCountLimitIsOfArraysToo(_ limit: UInt32) throws {
    process.options.pointee.limits.attributeCount = limit
    _ = process.record { recorder in
      for name in ["a", "b", "c"] { set(&recorder, name, ["x", "y"]) }
    }
    let span = try #require(process.spans.first)
    #expect(span.attributes.count == Int(limit) && span.droppedAttributes == 3 - UInt64(limit))
  }

  @Test func whatDoesNotFitIsDroppedAndCounted() throws {
    let big = String(repeating: "x", count: 15_000)
    _ = process.record { recorder in
      set(&recorder, "a", Array(repeating: big, count: 8))
      recorder.set("after", 1)
    }
    let span = try #require(process.spans.first)
    #expect(span.attributes.map(\.key) == ["after"] && span.droppedAttributes == 1)
  }

  @Test func anEmptyArrayIsNoAttribute() throws {
    _ = process.record { set(&$0, "a", [String]()) }
    let span = try #require(process.spans.first)
    #expect(span.droppedAttributes == 0 && span.attributes.count <= 1)
  }
}
