import OTelAPI
import OTelPrimitives
import OTelRegion
import OTelTestSupport
import Testing

@testable import OTelSDK

@Suite struct SpanRecorderTests {
  private let process = TestProcess()
  private static var remote: SpanContext { SpanContext(traceHigh: 0x0102, traceLow: 0x0304, spanID: 0x0506, flags: SpanContext.sampled | SpanContext.random) }

  @Test func aWholeSpan() throws {
    let span = try #require(process.record { recorder in
      recorder.set("http.request.method", Text("GET"))
      recorder.set("http.response.status_code", 404)
      recorder.set("empty", Text(""))
      recorder.set("least", Int64.min)
      recorder.set("most", Int64.max)
      recorder.set("zero", Int64(0))
      recorder.setError()
    })
    let decoded = try #require(process.spans.first)
    #expect(process.spans.count == 1)
    #expect(decoded.traceID == bigEndian(span.context.traceHigh, span.context.traceLow))
    #expect(decoded.spanID == bigEndian(span.context.spanID))
    #expect(decoded.parentSpanID.isEmpty)
    #expect(decoded.name == Array("GET".utf8))
    #expect(decoded.kind == 3)
    #expect(decoded.start == span.startTime && decoded.start > 1_700_000_000_000_000_000)
    #expect(decoded.end >= decoded.start)
    #expect(decoded.flags == 0x103)
    #expect(decoded.traceState == nil)
    #expect(decoded.statusCode == 2)
    #expect(decoded.droppedAttributes == 0)
    #expect(decoded.attributes.map(\.key) == ["http.request.method", "http.response.status_code", "empty", "least", "most", "zero"])
    #expect(decoded.attributes.map(\.value) == [.string(Array("GET".utf8)), .int(404), .string([]), .int(.min), .int(.max), .int(0)])
    #expect(process.memory.claimedSlots == 0)
  }

  /// The lengths around which one byte of length becomes two, and two become three; of the value, of what holds it, and of the pair.
  @Test(arguments: [0, 1, 100, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 130, 16_370, 16_384] + Array(15_340...15_360))
  func valueOfAnyLength(_ length: Int) throws {
    _ = process.record { recorder in
      withText(String(repeating: "v", count: length)) { recorder.set("k", $0) }
      withText(String(repeating: "v", count: min(length, 15_360))) { recorder.set("ascii", ascii: $0) }
      recorder.set("after", 1)
    }
    let decoded = try #require(process.spans.first)
    #expect(decoded.string("k")?.utf8.count == min(length, 15_360))
    #expect(decoded.string("ascii")?.utf8.count == min(length, 15_360))
    #expect(decoded.value("after") == .int(1))
  }

  @Test func keyOfAnyLength() throws {
    _ = process.record { recorder in
      recorder.set("kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", 1)
      recorder.set("kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", .min)
      recorder.set("kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", .min)
      recorder.set("kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", Text("v"))
    }
    let decoded = try #require(process.spans.first)
    #expect(decoded.attributes.map(\.key.utf8.count) == [119, 114, 125, 125])
    #expect(decoded.attributes.map(\.value) == [.int(1), .int(.min), .int(.min), .string([0x76])])
  }

  @Test func asciiValuesAreLimitedToo() throws {
    process.options.pointee.limits.attributeValueLength = 3
    _ = process.record { $0.set("k", ascii: Text("abcdef")) }
    #expect(try #require(process.spans.first).string("k") == "abc")
  }

  @Test func noStatusUnlessSet() throws {
    _ = process.record()
    #expect(try #require(process.spans.first).statusCode == nil)
  }

  @Test(arguments: [(true, 0x303), (false, 0x103)] as [(Bool, UInt32)]) func parent(_ isRemote: Bool, _ flags: UInt32) throws {
    let span = try #require(process.record(parent: Self.remote, isRemote: isRemote))
    let decoded = try #require(process.spans.first)
    #expect(decoded.traceID == bigEndian(0x0102, 0x0304))
    #expect(decoded.parentSpanID == bigEndian(0x0506))
    #expect(decoded.spanID == bigEndian(span.context.spanID))
    #expect(decoded.flags == flags)
  }

  @Test func traceStateBelongsToTheProcessParentsTrace() throws {
    process.options.pointee.processParent = Self.remote
    process.options.pointee.traceState = Text("foo=1,bar=2")
    _ = process.record()
    _ = process.record(parent: SpanContext(traceHigh: 9, traceLow: 9, spanID: 9, flags: 1), isRemote: true)
    let spans = process.spans
    #expect(spans.map(\.traceState) == ["foo=1,bar=2", nil])
    #expect(spans[0].parentSpanID == bigEndian(0x0506))
    #expect(spans[0].flags == 0x303)
    #expect(spans[1].flags == 0x301)
  }

  @Test(arguments: [("", 0), (String(repeating: "n", count: 127), 127), (String(repeating: "n", count: 5000), 127)])
  func longName(_ name: String, _ count: Int) throws {
    var span = try #require(process.tracer.start(parent: nil, isRemote: false))
    let recorder = try #require(withText(name) { process.tracer.record(&span, name: $0, kind: .internal, scope: .sockets) })
    process.tracer.end(recorder, of: span, scope: .sockets, at: 0)
    #expect(try #require(process.spans.first).name.count == count)
  }

  @Test func endIsNotBeforeStart() throws {
    var span = try #require(process.tracer.start(parent: nil, isRemote: false))
    let recorder = try #require(process.tracer.record(&span, name: Text("GET"), kind: .client, scope: .curl))
    process.tracer.end(recorder, of: span, scope: .curl, at: 1)
    let decoded = try #require(process.spans.first)
    #expect(decoded.end == decoded.start)
  }

  // MARK: Limits

  @Test(arguments: [0, 1, 5, 7, 8] as [UInt32]) func attributeCount(_ limit: UInt32) throws {
    process.options.pointee.limits.attributeCount = limit
    _ = process.record { recorder in
      recorder.set("a", 1)
      recorder.set("b", Text("2"))
      recorder.set("c", 3)
      recorder.set("d", 4)
      recorder.set("e", Text("5"))
      recorder.set("f", 6)
      recorder.set("g", 7)
    }
    let decoded = try #require(process.spans.first)
    #expect(decoded.attributes.map(\.key) == Array(["a", "b", "c", "d", "e", "f", "g"].prefix(Int(limit))))
    #expect(decoded.droppedAttributes == UInt64(7 - min(7, limit)))
  }

  @Test(arguments: [(0, ""), (1, "ä"), (3, "äb€"), (4, "äb€😀"), (100, "äb€😀")] as [(UInt32, String)])
  func attributeValueLength(_ limit: UInt32, _ expected: String) throws {
    process.options.pointee.limits.attributeValueLength = limit
    _ = process.record { recorder in
      withText("äb€😀") { recorder.set("k", $0) }
      recorder.set("n", 123_456)
    }
    let decoded = try #require(process.spans.first)
    #expect(decoded.string("k") == expected)
    #expect(decoded.value("n") == .int(123_456))
    #expect(decoded.droppedAttributes == 0)
  }

  @Test func invalidBytesAreReplaced() throws {
    _ = process.record { recorder in withText([0x61, 0xff, 0xc3, 0x62] as [UInt8]) { recorder.set("k", $0) } }
    #expect(try #require(process.spans.first).string("k") == "a\u{fffd}\u{fffd}b")
  }

  @Test(arguments: [(1, 15360), (2, 15360), (3, 15360), (4, 15360)])
  func aLongValueIsCutBetweenCharacters(_ size: Int, _ capacity: Int) throws {
    let character = ["a", "ä", "€", "😀"][size - 1]
    // One byte in front puts the boundary elsewhere.
    for front in ["", "x"] {
      _ = process.record { recorder in withText(front + String(repeating: character, count: 20_000)) { recorder.set("k", $0) } }
      let value = try #require(process.spans.last?.string("k"))
      #expect(value == front + String(repeating: character, count: (capacity - front.utf8.count) / size))
    }
  }

  // MARK: Room

  @Test func growsIntoALargeSlot() throws {
    let values = ["k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7"].map { String(repeating: $0, count: 300) }
    let span = try #require(process.record { recorder in
      recorder.set("small", 1)
      withText(values[0]) { recorder.set("k0", $0) }
      withText(values[1]) { recorder.set("k1", $0) }
      #expect(process.memory.claimedSlots == 1)
      withText(values[2]) { recorder.set("k2", $0) }
      withText(values[3]) { recorder.set("k3", $0) }
      recorder.setError()
    })
    let decoded = try #require(process.spans.first)
    #expect(decoded.spanID == bigEndian(span.context.spanID))
    #expect(decoded.attributes.map(\.key) == ["small", "k0", "k1", "k2", "k3"])
    #expect((0..<4).allSatisfy { decoded.string("k\($0)") == values[$0] })
    #expect(decoded.statusCode == 2 && decoded.end >= decoded.start)
    #expect(process.memory.claimedSlots == 0)
  }

  @Test func dropsWhatDoesNotFitAnywhere() throws {
    _ = process.record { recorder in
      withText(String(repeating: "v", count: 16_000)) { value in
        recorder.set("a", value)
        recorder.set("b", value)
        recorder.set("c", value)
        recorder.set("d", value)
        recorder.set("e", value)
        recorder.set("f", value)
      }
      recorder.set("last", 1)
      recorder.setError()
    }
    let decoded = try #require(process.spans.first)
    #expect(decoded.attributes.map(\.key) == ["a", "b", "c", "d", "last"])
    #expect(decoded.droppedAttributes == 2)
    #expect(decoded.statusCode == 2)
  }

  @Test func dropsWhatDoesNotFitWithoutALargeSlot() throws {
    for mark in 1...UInt64(Layout.largeSlotCount) { #expect(process.memory.slots.claimLarge(mark: mark) != nil) }
    _ = process.record { recorder in
      withText(String(repeating: "v", count: 2000)) { recorder.set("long", $0) }
      recorder.set("short", 1)
    }
    let decoded = try #require(process.spans.first)
    #expect(decoded.attributes.map(\.key) == ["short"])
    #expect(decoded.droppedAttributes == 1)
    #expect(process.memory.claimedSlots == Layout.largeSlotCount)
  }

  /// Every size of what is in front of the end: the end always has its room, and nothing is written behind the slot.
  @Test func theEndAlwaysFits() throws {
    for mark in 1...UInt64(Layout.largeSlotCount) { #expect(process.memory.slots.claimLarge(mark: mark) != nil) }
    var position: UInt64 = 0
    for length in 700...900 {
      var span = try #require(process.tracer.start(parent: Self.remote, isRemote: true))
      var recorder = try #require(process.tracer.record(&span, name: Text("GET"), kind: .client, scope: .curl))
      let neighbour = process.memory.slots.end(of: recorder.slot)
      let before = neighbour.load(as: UInt64.self)
      withText(String(repeating: "v", count: length)) { recorder.set("k", $0) }
      recorder.set("full", Int64.min)
      recorder.set("over", Int64.min)
      recorder.setError()
      process.tracer.end(recorder, of: span, scope: .curl, at: 0)
      #expect(neighbour.load(as: UInt64.self) == before)
      let decoded = try #require(process.memory.payloads(from: position, overUnfinished: true).compactMap { DecodedSpan($0) }.first)
      position = process.memory.ring.tail.load()
      #expect(decoded.attributes.count + Int(decoded.droppedAttributes) == 3)
      #expect(decoded.statusCode == 2 && decoded.end >= decoded.start && decoded.end > 0)
    }
  }

  @Test func aFullRingCostsTheSpanAndNothingElse() {
    while process.memory.append([UInt8](repeating: 0, count: 60_000)) {}
    while process.memory.append([UInt8](repeating: 0, count: 8)) {}
    let before = process.memory.host.drops(.ringFull).load()
    #expect(process.record { $0.set("k", 1) } != nil)
    #expect(process.memory.host.drops(.ringFull).load() == before + 1)
    #expect(process.memory.claimedSlots == 0)
  }
}
