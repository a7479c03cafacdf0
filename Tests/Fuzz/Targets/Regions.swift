import Glibc
import OTLPWire
import OTelRegion
import OTelTestSupport

@testable import OTelReceiver

private final class Spans: SpanConsumer {
  var spans: [[UInt8]] = []
  var room: Int { max(0, limit - spans.count) }
  var limit = Int.max
  func consume(_ span: UnsafeRawBufferPointer, tag: RecordTag, ringEnd: UInt64, now: UInt64) {
    check(tag.signal == .traces && tag.scope != nil, "a record of tag \(tag.rawValue)")
    check(SpanValidator.summary(of: span) != nil, "what is no span is handed on")
    spans.append(Array(span))
  }
  func hasRead(_ attached: AttachedRegion) {}
  func discardWaiting() -> Int { spans.count }
}

nonisolated(unsafe) private let reader = RegionReader()

/// What a host did to its region, told step by step. As long as it kept to the rules, all that it committed is read, once, in order.
func region(_ input: UnsafeRawBufferPointer) {
  var pieces = Pieces(input)
  let flags = pieces.byte()
  let host = TestRegion()
  let consumer = Spans()
  guard let region = try? Region(adopting: dup(host.descriptor)) else { return check(false, "a good region is refused") }
  let attached = AttachedRegion(region, identity: ProcessIdentity([]), peerUserID: 0, now: 0)
  reader.attach(attached, now: 0)
  if flags & 1 != 0 { consumer.limit = Int(flags >> 4) }
  var (isHonest, isUnbroken, now) = (true, true, UInt64(0))
  var (expected, behindHoles, slots): ([[UInt8]], [[UInt8]], [[UInt8]]) = ([], [], [])
  var steps = 0
  while !pieces.isEmpty, steps < 64 {
    steps += 1
    switch pieces.byte() % 12 {
    case 0, 1, 2:
      let (id, size, isCommitted) = (pieces.byte() | 1, Int(pieces.byte()) * 200, pieces.byte() & 7 != 0)
      guard host.tail + UInt64(size) + 4096 < attached.readPosition + UInt64(Layout.ringSize) else { continue }
      let span = encodedSpan(String(repeating: "x", count: size), id: id)
      host.append(span, isCommitted: isCommitted)
      if !isCommitted { isUnbroken = false } else if isUnbroken { expected.append(span) } else { behindHoles.append(span) }
    case 3:
      guard host.tail + 4096 < attached.readPosition + UInt64(Layout.ringSize), UInt64(Layout.ringSize) - host.tail % UInt64(Layout.ringSize) > 512 else { continue }
      host.appendHole((1 + Int(pieces.byte()) % 32) * 8)
      isUnbroken = false
    case 4, 5:
      now += UInt64(pieces.byte()) * 100_000_000
      reader.scan(attached, into: consumer, now: now, mayQueue: pieces.byte() & 7 != 0)
    case 6:
      let (index, span) = (Int(pieces.byte()), encodedSpan(id: pieces.byte() | 1, end: nil))
      host.fillSlot(at: Layout.smallSlotsOffset + index * Layout.smallSlotSize, span, droppedAttributes: UInt64(pieces.byte()))
      slots.append(span)
    case 7: consumer.limit = .max
    // From here on the host lies.
    case 8:
      isHonest = false
      host.set(Layout.tailOffset, pieces.byte() & 1 == 0 ? pieces.number(8) : host.tail + pieces.number(2))
    case 9:
      isHonest = false
      let offset = [Layout.ringOffset, Layout.ringOffset + Int(host.tail) % Layout.ringSize, Layout.smallSlotsOffset, Layout.largeSlotsOffset][Int(pieces.byte()) & 3]
      for index in 0..<(Int(pieces.byte()) & 15) where offset + index * 8 < Layout.size { host.set(offset + index * 8, pieces.number(8)) }
    case 10:
      // A header with the right stamp and a wrong length or state.
      isHonest = false
      let position = host.tail
      let header = RecordHeader(position: position, secret: TestRegion.secret, tag: RecordTag(rawValue: UInt16(pieces.byte())), length: pieces.number(3))
      host.set(Layout.ringOffset + Int(position) % Layout.ringSize, header.word | UInt64(pieces.byte() & 3) << 20)
      host.set(Layout.tailOffset, position + (pieces.number(2) << 3))
    default:
      isHonest = false
      host.set(Int(pieces.byte()) * 8, pieces.number(8))
    }
  }
  if isHonest, consumer.limit == .max, attached.phase == .live { finish(attached, consumer, host, now, expected, behindHoles, slots) } else { end(attached, consumer, host, now) }
}

/// An honest host: first what is committed in a row, and at its end the rest.
private func finish(
  _ attached: AttachedRegion, _ consumer: Spans, _ host: TestRegion, _ now: UInt64, _ expected: [[UInt8]], _ behindHoles: [[UInt8]], _ slots: [[UInt8]]
) {
  reader.scan(attached, into: consumer, now: now, mayQueue: true)
  check(consumer.spans == expected, "\(consumer.spans.count) of \(expected.count) spans of a live process")
  checkEqual(host.relayWord(Layout.readOffset) ?? 0, attached.readPosition, "read, as the host sees it,")
  end(attached, consumer, host, now)
  let read = consumer.spans
  check(Array(read.prefix(expected.count + behindHoles.count)) == expected + behindHoles, "what an ended process committed is not what was read")
  // A span that is in flight and was not read just before is closed.
  check(read.count <= expected.count + behindHoles.count + slots.count, "\(read.count) spans were made of fewer")
}

/// Whatever was written, a region comes to its end, and everything in it is counted once.
private func end(_ attached: AttachedRegion, _ consumer: Spans, _ host: TestRegion, _ now: UInt64) {
  consumer.limit = .max
  host.end()
  var scans = 0
  while !attached.isFinished {
    reader.scan(attached, into: consumer, now: now, mayQueue: true)
    scans += 1
    check(scans < 8, "the reader does not come to an end")
  }
  check(attached.readPosition <= attached.tail || attached.phase == .discarded, "read beyond the end")
  if attached.phase == .ended {
    checkEqual(attached.recorded, consumer.spans.count + attached.drops[.malformed] + attached.drops[.unfinished], "the count of records")
  }
}

/// A region's identity area: bytes of a process that may lie.
func identity(_ input: UnsafeRawBufferPointer) {
  let identity = ProcessIdentity(Array(input))
  check(!identity.serviceName.isEmpty, "a process without a name")
  check(identity.executableName.map { !$0.contains("/") } ?? true, "a file's name with a slash")
  check(Set(identity.userAttributes.map(\.key)).count == identity.userAttributes.count, "two attributes of one name")
  let resource = ResourceBuilder(host: HostResource()).encoded(identity, instance: (1, 2))
  // `ResourceSpans.resource`, of which a collector wants every string to be UTF-8.
  resource.withUnsafeBytes { bytes in
    var outer = MessageReader(bytes)
    guard let (field, value) = outer.next(), field == 1, case .bytes(let inner) = value, outer.next() == nil, !outer.isMalformed else { return check(false, "no resource") }
    var reader = MessageReader(inner)
    while let (field, value) = reader.next() {
      guard case .bytes(let pair) = value else { return check(false, "an attribute that is no message") }
      check(field == 1 && ReferenceSpan.isValid(Array(pair), as: .keyValue, depth: 0), "an attribute that is malformed")
    }
    check(!reader.isMalformed, "the resource is malformed")
  }
}
