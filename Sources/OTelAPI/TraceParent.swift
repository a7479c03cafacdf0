public import OTelPrimitives

/// The `traceparent` field. Source: https://www.w3.org/TR/trace-context-2/#traceparent-header
public enum TraceParent {
  /// Bytes of a version 00 value.
  public static let length = 55

  /// Reads a value. Nil when it is invalid: then a new trace starts and `tracestate` is ignored too. Space around it is none of it.
  public static func parse(_ text: Text) -> SpanContext? {
    let value = text.trimmed
    guard value.count >= length, value[2] == 0x2d, value[35] == 0x2d, value[52] == 0x2d else { return nil }
    guard let version = hex(value, 0, 2), version != 0xff else { return nil }
    // A later version may have more behind another dash; version 00 has not.
    if value.count > length, version == 0 || value[length] != 0x2d { return nil }
    guard let high = hex(value, 3, 16), let low = hex(value, 19, 16), let span = hex(value, 36, 16), let flags = hex(value, 53, 2) else {
      return nil
    }
    let known = UInt8(truncatingIfNeeded: flags) & (SpanContext.sampled | SpanContext.random)
    let context = SpanContext(traceHigh: high, traceLow: low, spanID: span, flags: known)
    return context.isValid ? context : nil
  }

  /// Lower-case hex digits `[start, start + count)` as a number.
  private static func hex(_ text: Text, _ start: Int, _ count: Int) -> UInt64? {
    var value: UInt64 = 0
    var index = start
    while index < start &+ count {
      let byte = text[index]
      let digit: UInt8
      if byte &- 0x30 < 10 { digit = byte &- 0x30 } else if byte &- 0x61 < 6 { digit = byte &- 0x57 } else { return nil }
      value = value &<< 4 | UInt64(digit)
      index &+= 1
    }
    return value
  }

  /// Writes `context` as version 00, `length` bytes at `target`. Not NUL-terminated.
  @inline(__always)
  public static func write(_ context: SpanContext, to target: UnsafeMutablePointer<UInt8>) {
    target[0] = 0x30
    target[1] = 0x30
    target[2] = 0x2d
    Hexadecimal.write(context.traceHigh, to: target + 3)
    Hexadecimal.write(context.traceLow, to: target + 19)
    target[35] = 0x2d
    Hexadecimal.write(context.spanID, to: target + 36)
    target[52] = 0x2d
    target[53] = 0x30
    target[54] = 0x30 &+ context.traceFlags
  }
}
