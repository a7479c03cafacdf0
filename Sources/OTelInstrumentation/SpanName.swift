public import OTelPrimitives
import COTelShims

/// A span's name that ends in what somebody else wrote: at most 127 bytes, whole characters, well-formed.
public enum SpanName {
  private static var capacity: Int { 127 }

  /// - Parameter body: is called once, with the name; it lives as long as that.
  @inline(__always)
  public static func with(_ prefix: StaticString, _ rest: Text, _ body: (Text) -> Void) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: capacity) { buffer in
      guard let start = buffer.baseAddress else { return }
      body(Text(start, count: write(Text(prefix), rest, to: start)))
    }
  }

  @inline(never)
  private static func write(_ prefix: Text, _ rest: Text, to start: UnsafeMutablePointer<UInt8>) -> Int {
    memcpy(start, prefix.start, prefix.count)
    let measured = UTF8Measure.measure(rest, characters: .max, bytes: capacity &- prefix.count)
    return UTF8Measure.repair(rest.slice(0, measured.sourceCount), to: start + prefix.count) - UnsafeMutableRawPointer(start)
  }
}
