import Glibc
import OTelRegion
import OTelTestSupport

@testable import OTelReceiver

/// A consumer that keeps what it gets until the test takes it away.
final class SpanList: SpanConsumer {
  var limit = Int.max
  private(set) var spans: [[UInt8]] = []
  private weak var attached: AttachedRegion?

  var room: Int { max(0, limit - spans.count) }
  var decoded: [DecodedRequest.Span] { spans.map(DecodedRequest.span) }

  func consume(_ span: UnsafeRawBufferPointer, tag: RecordTag, ringEnd: UInt64, now: UInt64) { spans.append(Array(span)) }
  func hasRead(_ attached: AttachedRegion) { self.attached = attached }

  func discardWaiting() -> Int {
    defer { spans = [] }
    return spans.count
  }

  /// They are exported.
  func removeAll() {
    spans = []
    if let attached { attached.advanceExported(to: attached.readPosition) }
  }
}

/// What reads a region, but for the event loop.
final class ReceiverBench {
  let reader = RegionReader()
  let list = SpanList()

  func attach(_ host: TestRegion, now: UInt64 = 0) throws -> AttachedRegion {
    let region = try Region(adopting: dup(host.descriptor))
    let attached = AttachedRegion(region, identity: ProcessIdentity(region.identity()), peerUserID: 0, now: now)
    reader.attach(attached, now: now)
    return attached
  }

  /// Looks at the region once. Returns how many spans were handed over and not taken away.
  @discardableResult
  func scan(_ attached: AttachedRegion, now: UInt64 = 0) -> Int {
    reader.scan(attached, into: list, now: now, mayQueue: true)
    return list.spans.count
  }
}
