public import OTelPrimitives
import OTLPWire

extension SpanRecorder {
  /// `attributes { key: … value { array_value { values { string_value: … } … } } }`. Each string is cut as a value of its own
  /// (common/README.md, "Attribute Limits"); an array that does not fit is dropped whole.
  @inline(never)
  public mutating func set(_ prefix: StaticString, lowercased suffix: Text, strings: UnsafeBufferPointer<Text>) {
    let prefix = Text(prefix)
    let keySize = prefix.count &+ suffix.count
    guard let first = strings.baseAddress, keySize <= 127 else { return }
    var arraySize = 0
    var index = 0
    while index < strings.count {
      arraySize &+= Self.itemSize(measure(first[index]).encodedCount)
      index &+= 1
    }
    let anySize = 1 &+ FieldWriter.varintSize(arraySize) &+ arraySize
    let pairSize = 3 &+ keySize &+ FieldWriter.varintSize(anySize) &+ anySize
    guard admits(pairSize &+ 4) else { return }
    writer.byte(SpanField.attributes)
    writer.varint(UInt64(truncatingIfNeeded: pairSize))
    writer.pair(SpanField.key, UInt8(truncatingIfNeeded: keySize))
    writer.bytes(prefix)
    index = 0
    while index < suffix.count {
      writer.byte(Text.lowercased(suffix[index]))
      index &+= 1
    }
    writer.byte(SpanField.value)
    writer.varint(UInt64(truncatingIfNeeded: anySize))
    writer.byte(SpanField.arrayValue)
    writer.varint(UInt64(truncatingIfNeeded: arraySize))
    index = 0
    while index < strings.count {
      writeItem(first[index])
      index &+= 1
    }
  }

  private func measure(_ value: Text) -> UTF8Measure.Result {
    UTF8Measure.measure(value, characters: limits.attributeValueLength, bytes: Self.valueCapacity)
  }

  /// Of `values { string_value: … }`.
  private static func itemSize(_ count: Int) -> Int {
    let any = 1 &+ FieldWriter.varintSize(count) &+ count
    return 1 &+ FieldWriter.varintSize(any) &+ any
  }

  private mutating func writeItem(_ value: Text) {
    let measured = measure(value)
    let count = measured.encodedCount
    writer.byte(SpanField.arrayItem)
    writer.varint(UInt64(truncatingIfNeeded: 1 &+ FieldWriter.varintSize(count) &+ count))
    writer.byte(SpanField.stringValue)
    writer.varint(UInt64(truncatingIfNeeded: count))
    if count == measured.sourceCount {
      writer.bytes(value.slice(0, count))
    } else {
      writer.next = UTF8Measure.repair(value.slice(0, measured.sourceCount), to: writer.next)
    }
  }
}
