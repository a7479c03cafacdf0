import COTelShims
public import OTLPWire
public import OTelAPI
public import OTelPrimitives
public import OTelRegion

/// A span that is being encoded in a slot, directly as OTLP bytes. Lives in registers and on the stack.
public struct SpanRecorder: SpanAttributes {
  /// Kept free for what the end writes: end time 9, dropped count 4, status 4.
  static var reserve: Int { 24 }
  /// Longest value that is kept, in bytes: four of them fit into a large slot.
  static var valueCapacity: Int { 15 << 10 }

  let region: UnsafeMutableRawPointer
  var slot: UnsafeMutableRawPointer
  let mark: UInt64
  let limits: SpanLimits
  var writer: FieldWriter
  var limit: UnsafeMutableRawPointer
  var attributeCount: UInt32 = 0
  var droppedCount: UInt32 = 0
  var isError = false

  @inline(__always)
  init(region: UnsafeMutableRawPointer, slot: UnsafeMutableRawPointer, mark: UInt64, limits: SpanLimits) {
    self.region = region
    self.slot = slot
    self.mark = mark
    self.limits = limits
    writer = FieldWriter(slot + Layout.slotHeaderSize)
    limit = SpanSlots(region: region).end(of: slot) - Self.reserve
  }

  /// Writes the fields that are known at the start. They fit: at most 62 bytes and the name.
  @inline(__always)
  mutating func begin(_ span: OpenSpan, name: Text, kind: SpanKind, tag: RecordTag, traceState: Text) {
    SharedWord(slot + 16).store(UInt64(tag.rawValue))
    writer.pair(SpanField.traceID, 16)
    writer.fixed64(span.context.traceHigh.byteSwapped)
    writer.fixed64(span.context.traceLow.byteSwapped)
    writer.pair(SpanField.spanID, 8)
    writer.fixed64(span.context.spanID.byteSwapped)
    if span.parentID != 0 {
      writer.pair(SpanField.parentSpanID, 8)
      writer.fixed64(span.parentID.byteSwapped)
    }
    let name = name.slice(0, 127)
    writer.pair(SpanField.name, UInt8(truncatingIfNeeded: name.count))
    writer.bytes(name)
    writer.pair(SpanField.kind, kind.rawValue)
    writer.byte(SpanField.startTime)
    writer.fixed64(span.startTime)
    // Bits 0-7 are the span's W3C flags, 8 says that bit 9 is known, 9 that the parent is remote (trace.proto, SpanFlags).
    writer.pair(SpanField.flags.0, SpanField.flags.1)
    writer.fixed32(UInt32(span.context.traceFlags) | 0x100 | (span.parentIsRemote ? 0x200 : 0))
    setTraceState(traceState)
  }

  /// Goes on where `suspend` left off. False when the slot says more than it can hold: who else has the region wrote there.
  @inline(__always)
  mutating func restore() -> Bool {
    let word = SharedWord(slot + 8).load()
    let used = Int(truncatingIfNeeded: word & 0xffff_ffff)
    guard used <= limit - writer.next else { return false }
    writer.next += used
    attributeCount = UInt32(truncatingIfNeeded: word &>> 32) & 0xffff
    droppedCount = UInt32(truncatingIfNeeded: word &>> 48)
    return true
  }

  @inline(__always)
  func publish() {
    let used = UInt64(truncatingIfNeeded: writer.next - (slot + Layout.slotHeaderSize))
    SharedWord(slot + 8).storeReleasing(used | UInt64(attributeCount & 0xffff) &<< 32 | UInt64(droppedCount & 0xffff) &<< 48)
  }

  /// Moves to a large slot. False when none is free.
  @inline(never)
  mutating func grow() -> Bool {
    let slots = SpanSlots(region: region)
    guard slots.end(of: slot) - slot == Layout.smallSlotSize, let large = slots.claimLarge(mark: mark) else { return false }
    let used = writer.next - (slot + Layout.slotHeaderSize)
    SharedWord(large + 16).store(SharedWord(slot + 16).load())
    memcpy(large + Layout.slotHeaderSize, slot + Layout.slotHeaderSize, used)
    SpanSlots.release(slot, mark: mark)
    slot = large
    writer.next = large + Layout.slotHeaderSize + used
    limit = slots.end(of: large) - Self.reserve
    publish()
    return true
  }

  /// Whether one more attribute may be written, of `size` bytes in all. Counts it either way.
  @inline(__always)
  mutating func admits(_ size: Int) -> Bool {
    guard attributeCount < limits.attributeCount, limit - writer.next >= size || growFor(size) else {
      droppedCount &+= 1
      return false
    }
    attributeCount &+= 1
    return true
  }

  @inline(never)
  private mutating func growFor(_ size: Int) -> Bool { grow() && limit - writer.next >= size }

  /// The longest `KeyValue` whose lengths take one byte each.
  private static var short: Int { 127 }

  /// `attributes { key: … value { string_value: … } }` up to the string's bytes. False when it is dropped.
  @inline(__always)
  private mutating func openString(_ key: Text, _ size: Int) -> Bool {
    let pairSize = 6 &+ key.count &+ size
    guard pairSize <= Self.short else { return openLongString(key, size) }
    guard admits(pairSize &+ 2) else { return false }
    writer.quad(SpanField.attributes, pairSize, SpanField.key, key.count)
    writer.bytes(key)
    writer.quad(SpanField.value, size &+ 2, SpanField.stringValue, size)
    return true
  }

  @inline(never)
  private mutating func openLongString(_ key: Text, _ size: Int) -> Bool {
    let valueSize = 1 &+ FieldWriter.varintSize(size) &+ size
    let pairSize = 3 &+ key.count &+ FieldWriter.varintSize(valueSize) &+ valueSize
    guard admits(pairSize &+ 4) else { return false }
    writer.byte(SpanField.attributes)
    writer.varint(UInt64(truncatingIfNeeded: pairSize))
    writer.pair(SpanField.key, UInt8(truncatingIfNeeded: key.count))
    writer.bytes(key)
    writer.byte(SpanField.value)
    writer.varint(UInt64(truncatingIfNeeded: valueSize))
    writer.byte(SpanField.stringValue)
    writer.varint(UInt64(truncatingIfNeeded: size))
    return true
  }

  @inline(__always)
  public mutating func set(_ key: StaticString, _ value: Text) { set(Text(key), measuring: value) }

  /// Out of line: inlined into each of its many uses it made a tenth of the agent.
  @inline(never)
  private mutating func set(_ key: Text, measuring value: Text) {
    let measured = UTF8Measure.measure(value, characters: limits.attributeValueLength, bytes: Self.valueCapacity)
    guard openString(key, measured.encodedCount) else { return }
    if measured.encodedCount == measured.sourceCount {
      writer.bytes(Text(value.start, count: measured.sourceCount))
    } else {
      writer.next = UTF8Measure.repair(value.slice(0, measured.sourceCount), to: writer.next)
    }
  }

  @inline(__always)
  public mutating func set(_ key: StaticString, ascii value: Text) {
    let most = Int(truncatingIfNeeded: limits.attributeValueLength)
    let size = value.count < most ? value.count : most
    guard size <= Self.valueCapacity else {
      droppedCount &+= 1
      return
    }
    guard openString(Text(key), size) else { return }
    writer.shortBytes(Text(value.start, count: size))
  }

  @inline(__always)
  public mutating func set(_ key: StaticString, _ value: Int64) {
    let bits = UInt64(bitPattern: value)
    let key = Text(key)
    let valueSize = 1 &+ FieldWriter.varintSize(bits)
    // A key has at most 127 bytes, a number at most 10: only the pair's length may need two.
    let pairSize = 4 &+ key.count &+ valueSize
    guard admits(pairSize &+ 3) else { return }
    if pairSize <= Self.short {
      writer.quad(SpanField.attributes, pairSize, SpanField.key, key.count)
    } else {
      writer.byte(SpanField.attributes)
      writer.varint(UInt64(truncatingIfNeeded: pairSize))
      writer.pair(SpanField.key, UInt8(truncatingIfNeeded: key.count))
    }
    writer.bytes(key)
    writer.pair(SpanField.value, UInt8(truncatingIfNeeded: valueSize))
    writer.byte(SpanField.intValue)
    writer.varint(bits)
  }

  /// Writes the field again: of a field that occurs more than once, the last counts (protobuf encoding, "Last One Wins").
  @inline(__always)
  public mutating func updateName(_ name: Text) {
    let name = name.slice(0, 127)
    guard limit - writer.next >= name.count &+ 2 else { return }
    writer.pair(SpanField.name, UInt8(truncatingIfNeeded: name.count))
    writer.bytes(name)
  }

  @inline(__always)
  public mutating func setTraceState(_ text: Text) {
    if !text.isEmpty { writeTraceState(text) }
  }

  @inline(never)
  private mutating func writeTraceState(_ text: Text) {
    guard limit - writer.next > text.count &+ 4 else { return }
    writer.byte(SpanField.traceState)
    writer.varint(UInt64(truncatingIfNeeded: text.count))
    writer.bytes(text)
  }

  @inline(__always)
  public mutating func setError() { isError = true }

  /// Writes the rest.
  @inline(__always)
  mutating func complete(endTime: UInt64) {
    writer.byte(SpanField.endTime)
    writer.fixed64(endTime)
    if droppedCount != 0 {
      writer.byte(SpanField.droppedAttributesCount)
      writer.varint(UInt64(droppedCount & 0xffff))
    }
    if isError {
      writer.pair(SpanField.status, 2)
      writer.pair(SpanField.statusCode, 2)
    }
  }

  /// The OTLP bytes so far; valid until the slot is given back.
  var message: UnsafeRawBufferPointer {
    let start = slot + Layout.slotHeaderSize
    return UnsafeRawBufferPointer(start: start, count: writer.next - start)
  }

  /// Moves the completed span into the ring, which counts when it is full.
  @inline(__always)
  func commit(tag: RecordTag) {
    let start = slot + Layout.slotHeaderSize
    _ = RecordRing(region: region).append(start, length: writer.next - start, tag: tag)
    discard()
  }

  @inline(__always)
  func discard() { SpanSlots.release(slot, mark: mark) }
}
