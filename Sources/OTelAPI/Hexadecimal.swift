public import OTelPrimitives

/// Ids as hexadecimal digits.
public enum Hexadecimal {
  /// One to sixteen digits of either case as a number; nil for anything else.
  @inline(never)
  public static func number(_ text: Text) -> UInt64? {
    guard text.count >= 1, text.count <= 16 else { return nil }
    var value: UInt64 = 0
    var index = 0
    while index < text.count {
      let byte = text[index]
      let letter = byte | 0x20
      if byte &- 0x30 < 10 { value = value &<< 4 | UInt64(byte &- 0x30) } else if letter &- 0x61 < 6 { value = value &<< 4 | UInt64(letter &- 0x57) } else { return nil }
      index &+= 1
    }
    return value
  }

  /// A context of one to 32 digits of a trace id and one to sixteen of a span id: zeros in front are understood (B3, Jaeger and their like
  /// have traces of 64 bits). Nil when one is all zero, or none.
  @inline(never)
  public static func context(trace: Text, span: Text, flags: UInt8) -> SpanContext? {
    var high: UInt64 = 0
    if trace.count > 16 {
      guard let number = number(trace.slice(0, trace.count &- 16)) else { return nil }
      high = number
    }
    guard let low = number(trace.from(trace.count &- 16)), let spanID = number(span) else { return nil }
    let context = SpanContext(traceHigh: high, traceLow: low, spanID: spanID, flags: flags)
    return context.isValid ? context : nil
  }

  /// Sixteen lower-case digits.
  @inline(__always)
  static func write(_ value: UInt64, to target: UnsafeMutablePointer<UInt8>) {
    UnsafeMutableRawPointer(target).storeBytes(of: digits(value), as: SIMD16<UInt8>.self)
  }

  /// The same, out of line: where speed does not matter.
  @inline(never)
  static func put(_ value: UInt64, to target: UnsafeMutablePointer<UInt8>) { write(value, to: target) }

  /// Eight of them.
  @inline(__always)
  static func write(_ value: UInt32, to target: UnsafeMutablePointer<UInt8>) {
    UnsafeMutableRawPointer(target).storeBytes(of: digits(UInt64(value) &<< 32).lowHalf, as: SIMD8<UInt8>.self)
  }

  /// All at once: each nibble into a byte of its own, then to ASCII. By arithmetic alone: a comparison of vectors becomes a loop.
  @inline(__always)
  private static func digits(_ value: UInt64) -> SIMD16<UInt8> {
    let bytes = value.bigEndian
    let nibble: UInt64 = 0x0f0f_0f0f_0f0f_0f0f
    var nibbles = SIMD16<UInt8>()
    nibbles.evenHalf = unsafeBitCast(bytes &>> 4 & nibble, to: SIMD8<UInt8>.self)
    nibbles.oddHalf = unsafeBitCast(bytes & nibble, to: SIMD8<UInt8>.self)
    // All bits, where it is above nine; 0x27 is the distance from ':' to 'a'.
    let letters = 0 &- ((nibbles &+ 6) &>> 4)
    return nibbles &+ 0x30 &+ letters & 0x27
  }
}
