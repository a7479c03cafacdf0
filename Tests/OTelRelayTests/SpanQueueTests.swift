import OTLPWire
import OTelRegion
import Testing

@testable import OTelRelay

@Suite struct SpanQueueTests {
  private let curl = RecordTag(.traces, scope: .curl)
  private let sockets = RecordTag(.traces, scope: .sockets)

  private func append(_ queue: inout SpanQueue, _ bytes: [UInt8], _ tag: RecordTag) {
    bytes.withUnsafeBytes { queue.append($0, tag: tag, ringEnd: UInt64(bytes.count)) }
  }

  private func contents(_ queue: SpanQueue, _ tag: RecordTag, first: Int) -> [[UInt8]] {
    var message = MessageBuilder()
    queue.appendSpans(tag: tag, first: first, to: &message)
    var spans: [[UInt8]] = []
    message.bytes.withUnsafeBytes { bytes in
      var reader = MessageReader(bytes)
      while let (field, value) = reader.next() {
        #expect(field == 2)
        if case .bytes(let span) = value { spans.append(Array(span)) }
      }
      #expect(!reader.isMalformed)
    }
    return spans
  }

  @Test func scopesAreToldApart() {
    var queue = SpanQueue()
    for (index, tag) in [curl, curl, sockets, curl].enumerated() { append(&queue, [UInt8(index)], tag) }
    #expect(contents(queue, curl, first: 4) == [[0], [1], [3]])
    #expect(contents(queue, sockets, first: 4) == [[2]])
    #expect(contents(queue, curl, first: 2) == [[0], [1]])
  }

  @Test("Like an array, whatever is added and taken")
  func asAModel() {
    var queue = SpanQueue()
    var model: [[UInt8]] = []
    var generator = SystemRandomNumberGenerator()
    for step in 0..<5000 {
      switch Int.random(in: 0..<100, using: &generator) {
      case 0..<60:
        let span = [UInt8](repeating: UInt8(step & 0xff), count: Int.random(in: 0...300, using: &generator))
        append(&queue, span, curl)
        model.append(span)
      case 60..<99:
        let number = Int.random(in: 0...min(model.count, 3), using: &generator)
        queue.removeFirst(number)
        model.removeFirst(number)
      default:
        let number = Int.random(in: 0...model.count, using: &generator)
        queue.removeAll(keepingFirst: number)
        model.removeLast(model.count - number)
      }
      #expect(queue.count == model.count)
    }
    #expect(contents(queue, curl, first: queue.count) == model)
    #expect(queue.byteCount == model.reduce(0) { $0 + 1 + MessageBuilder.varintLength($1.count) + $1.count })
    queue.removeFirst(queue.count)
    #expect(queue.byteCount == 0)
  }
}
