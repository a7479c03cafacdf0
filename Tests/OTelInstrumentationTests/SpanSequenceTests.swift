import OTelAPI
import OTelInstrumentation
import OTelPrimitives
import Testing

@Suite struct SpanSequenceTests {
  private let tracer = RecordingTracer()

  private func run(between: () -> Void = {}) throws {
    var span = try #require(tracer.start(parent: nil, isRemote: false))
    tracer.openHalf(&span, name: Text("GET"), kind: .client, scope: .curl) { $0.set("start", 1) }
    between()
    tracer.closeHalf(span, name: Text("GET"), kind: .client, scope: .curl) { $0.set("start", 1) } end: { $0.set("end", 1) }
  }

  @Test func bothHalves() throws {
    try run()
    #expect(tracer.log.ended == [["start", "end"]])
  }

  @Test(arguments: [0, 7]) func theEndIsWhenItIsSaidToBe(_ time: UInt64) throws {
    var span = try #require(tracer.start(parent: nil, isRemote: false))
    tracer.openHalf(&span, name: Text("GET"), kind: .client, scope: .curl) { _ in }
    tracer.closeHalf(span, name: Text("GET"), kind: .client, scope: .curl, at: time) { _ in } end: { _ in }
    #expect(tracer.log.endTimes == [time])
  }

  @Test func aLostFirstHalfIsWrittenAgain() throws {
    try run { tracer.log.canResume = false }
    #expect(tracer.log.ended == [["start", "end"]])
  }

  @Test func withoutASlotAtTheStart() throws {
    tracer.log.canRecord = false
    try run { tracer.log.canRecord = true }
    #expect(tracer.log.ended == [["start", "end"]])
    #expect(tracer.log.losses.isEmpty)
  }

  @Test func withoutASlotAtAll() throws {
    tracer.log.canRecord = false
    try run()
    #expect(tracer.log.ended.isEmpty)
    #expect(tracer.log.losses.count == 1)
  }

  @Test func unsampled() throws {
    var span = try #require(tracer.start(parent: nil, isRemote: false))
    span.isRecording = false
    tracer.openHalf(&span, name: Text("GET"), kind: .client, scope: .curl) { _ in Issue.record("written") }
    tracer.closeHalf(span, name: Text("GET"), kind: .client, scope: .curl) { _ in Issue.record("written") } end: { _ in Issue.record("written") }
    #expect(tracer.log.ended.isEmpty && tracer.log.losses.isEmpty)
  }
}
