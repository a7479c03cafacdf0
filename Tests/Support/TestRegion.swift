import COTelShims
import Glibc
import OTLPWire
import OTelReceiver
package import OTelRegion

/// A region as a host makes it, written by hand from the layout's description, so that a mistake that recorder and reader share shows.
package final class TestRegion {
  package static let secret: UInt64 = 0x1234_5678_9abc_def0

  package let descriptor: Int32
  private var memory: UnsafeMutableRawPointer?
  package private(set) var tail: UInt64 = 0

  package init(_ variables: [String] = [], processID: Int = 4711, seals: Int32 = F_SEAL_GROW | F_SEAL_SHRINK, size: Int = Layout.size, magic: UInt64 = Layout.magic) {
    // MFD_CLOEXEC | MFD_ALLOW_SEALING
    descriptor = Int32("test".withCString { otel_syscall6(Int(SYS_memfd_create), Int(bitPattern: $0), 3, 0, 0, 0, 0) })
    ftruncate(descriptor, Layout.size)
    memory = mmap(nil, Layout.size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
    let identity = ["process.pid=\(processID)", "process.executable.path=/usr/bin/demo", "process.command=demo"] + variables
    let bytes = Array(identity.map { $0 + "\0" }.joined().utf8)
    set(Layout.magicOffset, magic)
    set(Layout.secretOffset, Self.secret)
    set(Layout.instanceOffset, 1)
    set(Layout.instanceOffset + 8, 2)
    set(Layout.ordinalOffset, 1)
    set(Layout.identityLengthOffset, UInt64(bytes.count))
    bytes.withUnsafeBytes { memory?.advanced(by: Layout.identityOffset).copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
    if size != Layout.size { ftruncate(descriptor, size) }
    _ = fcntl(descriptor, F_ADD_SEALS, seals)
  }

  deinit {
    end()
    close(descriptor)
  }

  /// What the end of its only process does.
  package func end() {
    if let memory { munmap(memory, Layout.size) }
    memory = nil
  }

  package func set(_ offset: Int, _ value: UInt64) { memory?.storeBytes(of: value, toByteOffset: offset, as: UInt64.self) }

  /// A word, read as whoever holds the descriptor reads it.
  package func word(_ offset: Int) -> UInt64 {
    var value: UInt64 = 0
    _ = withUnsafeMutableBytes(of: &value) { pread(descriptor, $0.baseAddress, 8, off_t(offset)) }
    return value
  }

  /// A word of the relay's; nil when it and its complement do not match.
  package func relayWord(_ offset: Int) -> UInt64? {
    let value = word(offset)
    return word(offset + 8) == ~value ? value : nil
  }

  /// Appends a record: committed, or with a header that says it is only reserved.
  package func append(_ payload: [UInt8], isCommitted: Bool = true, scope: ScopeID = .curl) {
    let footprint = RecordHeader.footprint(UInt64(payload.count))
    let lap = UInt64(Layout.ringSize) - tail % UInt64(Layout.ringSize)
    if footprint > lap {
      header(RecordHeader.State.padding, lap - 8, RecordTag(rawValue: 0))
      tail += lap
    }
    let start = Layout.ringOffset + Int(tail % UInt64(Layout.ringSize))
    payload.withUnsafeBytes { bytes in
      if let base = bytes.baseAddress { memory?.advanced(by: start + 8).copyMemory(from: base, byteCount: bytes.count) }
    }
    header(isCommitted ? RecordHeader.State.committed : RecordHeader.State.reserved, UInt64(payload.count), RecordTag(.traces, scope: scope))
    tail += footprint
    set(Layout.tailOffset, tail)
  }

  /// Reserves room without even writing a header.
  package func appendHole(_ bytes: Int) {
    tail += UInt64(bytes)
    set(Layout.tailOffset, tail)
  }

  private func header(_ state: UInt64, _ length: UInt64, _ tag: RecordTag) {
    let header = RecordHeader(position: tail, secret: Self.secret, tag: tag, length: length)
    set(Layout.ringOffset + Int(tail % UInt64(Layout.ringSize)), header.word | state)
  }

  /// Fills a slot with the beginning of a span.
  package func fillSlot(at offset: Int, _ payload: [UInt8], droppedAttributes: UInt64 = 0, scope: ScopeID = .curl) {
    payload.withUnsafeBytes { memory?.advanced(by: offset + Layout.slotHeaderSize).copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
    set(offset + 8, UInt64(payload.count) | droppedAttributes << 48)
    set(offset + 16, UInt64(RecordTag(.traces, scope: scope).rawValue))
    set(offset, 1)
  }
}

/// A span as the agent encodes it.
package func encodedSpan(_ name: String = "GET", id: UInt8, start: UInt64 = 100, end: UInt64? = 200) -> [UInt8] {
  var span = MessageBuilder()
  span.append(field: 1, bytes: [UInt8](repeating: 7, count: 16))
  span.append(field: 2, bytes: [UInt8](repeating: 0, count: 7) + [id])
  span.append(field: 5, string: name)
  span.append(field: 6, varint: 3)
  span.append(field: 7, fixed64: start)
  if let end { span.append(field: 8, fixed64: end) }
  span.append(field: 9, attribute: "http.request.method", "GET")
  return span.bytes
}
