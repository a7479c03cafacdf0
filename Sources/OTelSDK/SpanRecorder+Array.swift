import OTLPWire
public import OTelPrimitives

/// `attributes { key: … value { array_value { values { string_value: … } … } } }`.
extension SpanRecorder {
  /// An array of strings; each is cut as a string of its own would be. Dropped as a whole when it is too long.
  @inline(never)
  public mutating func set(_ key: StaticString, strings: UnsafeBufferPointer<Text>) {
    guard let first = strings.baseAddress else { return }
    let key = Text(key)
    var size = 0
    var index = 0
    while index < strings.count {
      let item = Self.size(ofString: measure(first[index]).encodedCount)
      size &+= 1 &+ FieldWriter.varintSize(item) &+ item
      index &+= 1
    }
    let valueSize = 1 &+ FieldWriter.varintSize(size) &+ size
    let pairSize = 3 &+ key.count &+ FieldWriter.varintSize(valueSize) &+ valueSize
    guard size <= Self.valueCapacity, admits(pairSize &+ 4) else {
      if size > Self.valueCapacity { droppedCount &+= 1 }
      return
    }
    writer.byte(SpanField.attributes)
    writer.varint(UInt64(truncatingIfNeeded: pairSize))
    writer.pair(SpanField.key, UInt8(truncatingIfNeeded: key.count))
    writer.bytes(key)
    writer.byte(SpanField.value)
    writer.varint(UInt64(truncatingIfNeeded: valueSize))
    writer.byte(SpanField.arrayValue)
    writer.varint(UInt64(truncatingIfNeeded: size))
    index = 0
    while index < strings.count {
      writeItem(first[index])
      index &+= 1
    }
  }

  private func measure(_ text: Text) -> UTF8Measure.Result {
    UTF8Measure.measure(text, characters: limits.attributeValueLength, bytes: Self.valueCapacity)
  }

  /// Of an `AnyValue` with a string of `count` bytes.
  private static func size(ofString count: Int) -> Int { 1 &+ FieldWriter.varintSize(count) &+ count }

  private mutating func writeItem(_ text: Text) {
    let measured = measure(text)
    writer.byte(SpanField.arrayItem)
    writer.varint(UInt64(truncatingIfNeeded: Self.size(ofString: measured.encodedCount)))
    writer.byte(SpanField.stringValue)
    writer.varint(UInt64(truncatingIfNeeded: measured.encodedCount))
    writer.next = UTF8Measure.repair(text.slice(0, measured.sourceCount), to: writer.next)
  }
}
