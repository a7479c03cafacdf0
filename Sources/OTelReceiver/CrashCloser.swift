import OTLPWire
import OTelRegion

/// Ends the spans that were in flight when their process ended. Their slots hold the beginning of a `Span` message; what is appended says
/// only what is known: the process ended, and when that was seen.
struct CrashCloser {
  /// The head of a slot, `Layout.slotHeaderSize` bytes:
  /// ```
  /// word 0   mark: 0 = free
  /// word 1   0-31 bytes of payload · 32-47 attributes · 48-63 attributes dropped
  /// word 2   0-15 RecordTag
  /// ```
  private struct Head {
    let isFree: Bool
    let length: Int
    let droppedAttributes: Int
    let tag: RecordTag

    init(_ slot: UnsafeRawBufferPointer) {
      isFree = slot.load(as: UInt64.self) == 0
      let state = slot.load(fromByteOffset: 8, as: UInt64.self)
      length = Int(state & 0xffff_ffff)
      droppedAttributes = Int(state >> 48)
      tag = RecordTag(rawValue: slot.load(fromByteOffset: 16, as: UInt16.self))
    }
  }

  func closeOpenSpans(of attached: AttachedRegion, into consumer: any SpanConsumer, now: UInt64) {
    closeSlots(attached, consumer, at: Layout.smallSlotsOffset, size: Layout.smallSlotSize, count: Layout.smallSlotCount, now)
    closeSlots(attached, consumer, at: Layout.largeSlotsOffset, size: Layout.largeSlotSize, count: Layout.largeSlotCount, now)
  }

  private func closeSlots(_ attached: AttachedRegion, _ consumer: any SpanConsumer, at offset: Int, size: Int, count: Int, _ now: UInt64) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 8)
    defer { buffer.deallocate() }
    var next = 0
    for range in attached.region.dataRanges(from: offset, to: offset + size * count) {
      let first = max(next, (range.lowerBound - offset) / size)
      let last = (range.upperBound - offset + size - 1) / size
      for index in first..<max(first, last) where attached.region.read(into: buffer, at: offset + index * size) {
        close(UnsafeRawBufferPointer(buffer), attached, consumer, now)
      }
      next = max(next, last)
    }
  }

  private func close(_ slot: UnsafeRawBufferPointer, _ attached: AttachedRegion, _ consumer: any SpanConsumer, _ now: UInt64) {
    let head = Head(slot)
    guard !head.isFree, head.length <= slot.count - Layout.slotHeaderSize, head.tag.signal == .traces, head.tag.scope != nil else { return }
    let start = UnsafeRawBufferPointer(rebasing: slot[Layout.slotHeaderSize..<Layout.slotHeaderSize + head.length])
    // A slot whose first bytes were never completed is no span yet. One with an end was committed, or copied to be.
    guard let span = SpanValidator.summary(of: start), span.startTimeUnixNano != 0, !attached.hasRecentlyRead(spanID: span.spanID) else { return }
    let message = Self.ended(
      start, startTime: span.startTimeUnixNano, at: wallClockNanoseconds(), errorType: attached.endingErrorType,
      droppedAttributes: head.droppedAttributes)
    message.withUnsafeBytes { attached.take($0, tag: head.tag, spanID: span.spanID, ringEnd: attached.tail, into: consumer, now: now) }
  }

  /// A span that ended because its process did. In protobuf a later value of a scalar field replaces an earlier one, so the end
  /// may be appended whatever is in `start`.
  static func ended(_ start: UnsafeRawBufferPointer, startTime: UInt64, at time: UInt64, errorType: String, droppedAttributes: Int) -> [UInt8] {
    var message = MessageBuilder(capacity: start.count + 64)
    message.append(raw: start)
    message.append(field: 8, fixed64: max(time, startTime))
    message.append(field: 9, attribute: "error.type", errorType)
    if droppedAttributes > 0 { message.append(field: 10, varint: UInt64(droppedAttributes)) }
    message.append(field: 15) { $0.append(field: 3, varint: 2) }  // STATUS_CODE_ERROR
    return message.bytes
  }
}
