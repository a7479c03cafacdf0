import OTLPWire
import OTelRegion

/// Spans of one region that were read and not yet delivered, in the order of the ring.
///
/// Each lies ready to be copied into a request: as a field `spans` of `ScopeSpans`, head and all. Two arrays for all of them, no
/// allocation for one. A value; one thread.
struct SpanQueue {
  struct Entry {
    /// Counted from the first span the queue ever had.
    var offset: Int
    var length: Int
    var tag: RecordTag
    /// The ring's position behind the span: what is exported once it is delivered.
    var ringEnd: UInt64
  }

  private var bytes: [UInt8] = []
  private var entries: [Entry] = []
  private var head = 0
  /// Offset of `bytes[0]`.
  private var origin = 0

  var count: Int { entries.count - head }
  var isEmpty: Bool { count == 0 }
  private(set) var byteCount = 0

  subscript(index: Int) -> Entry { entries[head + index] }

  /// Field 2 of `ScopeSpans`, length-delimited.
  private static let spansKey: UInt8 = 2 << 3 | 2

  mutating func append(_ span: UnsafeRawBufferPointer, tag: RecordTag, ringEnd: UInt64) {
    let start = bytes.count
    bytes.append(Self.spansKey)
    var rest = UInt64(span.count)
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
    bytes.append(contentsOf: span)
    let length = bytes.count - start
    byteCount += length
    entries.append(Entry(offset: origin + start, length: length, tag: tag, ringEnd: ringEnd))
  }

  mutating func removeFirst(_ number: Int) {
    for index in 0..<number { byteCount -= self[index].length }
    head += number
    compact()
  }

  /// Removes all but the first `number`.
  mutating func removeAll(keepingFirst number: Int) {
    while count > number {
      let last = entries.removeLast()
      bytes.removeLast(last.length)
      byteCount -= last.length
    }
    compact()
  }

  /// Gives back what delivered spans took: everything when none is left, else when they are more than half.
  private mutating func compact() {
    if isEmpty {
      // An idle process keeps no memory, a busy one does not allocate again for every batch.
      let keep = bytes.capacity <= 256 << 10 && entries.capacity <= 4096
      bytes.removeAll(keepingCapacity: keep)
      entries.removeAll(keepingCapacity: keep)
      (head, origin, byteCount) = (0, 0, 0)
    } else if head > entries.count / 2 {
      let dead = self[0].offset - origin
      bytes.removeFirst(dead)
      origin += dead
      entries.removeFirst(head)
      head = 0
    }
  }

  /// Appends the spans with `tag` among the first `number` to a message, neighbours in one copy.
  func appendSpans(tag: RecordTag, first number: Int, to message: inout MessageBuilder) {
    bytes.withUnsafeBytes { all in
      var index = 0
      while index < number {
        guard self[index].tag == tag else {
          index += 1
          continue
        }
        let start = self[index].offset - origin
        var end = start
        while index < number, self[index].tag == tag {
          end += self[index].length
          index += 1
        }
        message.append(raw: UnsafeRawBufferPointer(rebasing: all[start..<end]))
      }
    }
  }
}
