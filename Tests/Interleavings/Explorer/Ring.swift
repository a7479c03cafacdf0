import OTelPrimitives
import OTelRegion

/// A ring of a few records, its writers and its relay. What they do stands in docs/region.md, section 3.
final class Ring {
  enum Mistake: CaseIterable {
    /// The header says "committed" before the payload is there.
    case commitsFirst
    /// Moves `tail` by a store.
    case storesTail
    /// Does not look how far the relay is.
    case overwrites
    /// Takes what one copy holds, in which the payload may be older than the header.
    case copiesOnce
  }

  let region: UnsafeMutableRawPointer
  let mistake: Mistake?
  private let first: UInt64
  /// What was appended, by the writers' own account, and what the relay has read: the number of each record.
  private var committed: [UInt64] = []
  private var refused = 0
  private var read: [UInt64] = []
  private var broken: String?
  private var copy: [UInt64] = []
  private var readPosition: UInt64 = 0

  init(startingAt first: UInt64 = 0, _ mistake: Mistake? = nil) {
    (self.first, self.mistake) = (first, mistake)
    region = .allocate(byteCount: Layout.size, alignment: 4096)
    region.initializeMemory(as: UInt8.self, repeating: 0, count: Layout.size)
  }

  private func word(_ offset: Int) -> UInt64 { region.load(fromByteOffset: offset, as: UInt64.self) }
  private func set(_ offset: Int, _ value: UInt64) { region.storeBytes(of: value, toByteOffset: offset, as: UInt64.self) }

  func begin() {
    (region + Layout.ringOffset).initializeMemory(as: UInt8.self, repeating: 0, count: Layout.ringSize)
    set(Layout.secretOffset, 0x5ec2e7)
    for offset in [Layout.tailOffset, Layout.limitOffset, Layout.readOffset] { set(offset, first) }
    set(Layout.readOffset + 8, ~first)
    set(Layout.dropsOffset, 0)
    (committed, refused, read, broken, readPosition) = ([], 0, [], nil, first)
    copy = [UInt64](repeating: 0, count: Layout.ringSize / 8)
  }

  // MARK: A writer

  /// Appends records of `sizes` bytes, each a number and what can be made of it.
  func write(_ writer: UInt64, _ sizes: [Int]) {
    for (index, size) in sizes.enumerated() {
      let number = writer << 8 | UInt64(index + 1)
      let payload = (number, number &* 0x9e37_79b9, ~number)
      let isDone = withUnsafeBytes(of: payload) { append($0.baseAddress!, size) }
      if isDone { committed.append(number) } else { refused += 1 }
    }
  }

  private func append(_ payload: UnsafeRawPointer, _ size: Int) -> Bool {
    let tag = RecordTag(.traces, scope: .curl)
    switch mistake {
    case .commitsFirst, .storesTail, .overwrites: return appendWrongly(payload, UInt64(size), tag)
    default: return RecordRing(region: region).append(payload, length: size, tag: tag)
    }
  }

  /// The shortest thing that could pass for a writer, with one mistake. Never pads: for records that fill laps.
  private func appendWrongly(_ payload: UnsafeRawPointer, _ size: UInt64, _ tag: RecordTag) -> Bool {
    let tail = SharedWord(region + Layout.tailOffset)
    var position = tail.load()
    let footprint = RecordHeader.footprint(size)
    while true {
      let limit = HostRegion(region: region).read ?? first
      if mistake != .overwrites, position &+ footprint &- limit > UInt64(Layout.ringSize) { return false }
      if mistake == .storesTail { tail.store(position &+ footprint); break }
      guard let found = tail.replace(position, with: position &+ footprint) else { break }
      position = found
    }
    let record = region + Layout.ringOffset + Int(position) % Layout.ringSize
    let header = RecordHeader(position: position, secret: word(Layout.secretOffset), tag: tag, length: size).word
    if mistake == .commitsFirst { SharedWord(record).storeReleasing(header | RecordHeader.State.committed) }
    onSharedStep()
    (record + 8).copyMemory(from: payload, byteCount: Int(size))
    SharedWord(record).storeReleasing(header | RecordHeader.State.committed)
    return true
  }

  // MARK: The relay

  /// Looks `rounds` times.
  func relay(_ rounds: Int) { for _ in 0..<rounds { look(hasEnded: false) } }

  private func look(hasEnded: Bool) {
    onSharedStep()
    let tail = word(Layout.tailOffset)
    guard tail >= readPosition, tail - readPosition <= UInt64(Layout.ringSize) else { return broken = "tail \(tail) after \(readPosition) was read" }
    var end = tail
    fill(to: end)
    if !hasEnded, mistake != .copiesOnce {
      var walker = walker(to: end)
      seeking: while true {
        switch walker.step() {
        case .record, .padding: continue
        case .unfinished, .end: break seeking
        }
      }
      end = walker.position
      fill(to: end)
    }
    var walker = walker(to: end)
    reading: while true {
      switch walker.step() {
      case .record(let payload, let length, _): take(UnsafeRawBufferPointer(start: payload, count: length))
      case .padding: continue
      case .unfinished where hasEnded: walker.skip()
      case .unfinished, .end: break reading
      }
    }
    publish(walker.position)
  }

  /// pread(2) as badly as it may be: word by word, the last one first.
  private func fill(to end: UInt64) {
    for offset in stride(from: Int(end - readPosition) - 8, through: 0, by: -8) {
      onSharedStep()
      copy[offset / 8] = word(Layout.ringOffset + (Int(readPosition) + offset) % Layout.ringSize)
    }
  }

  private func walker(to end: UInt64) -> RecordWalker {
    copy.withUnsafeBytes { RecordWalker(copy: $0.baseAddress!, secret: word(Layout.secretOffset), from: readPosition, to: end) }
  }

  private func take(_ payload: UnsafeRawBufferPointer) {
    let number = payload.loadUnaligned(as: UInt64.self)
    let isWhole = payload.count < 16 || payload.loadUnaligned(fromByteOffset: 8, as: UInt64.self) == number &* 0x9e37_79b9
    if number == 0 || !isWhole { broken = "a record was read that is not whole" }
    if read.contains(number) { broken = "record \(number) was read twice" }
    read.append(number)
  }

  /// pwrite(2) of 16 bytes, in two halves.
  private func publish(_ position: UInt64) {
    readPosition = position
    onSharedStep()
    set(Layout.readOffset, position)
    onSharedStep()
    set(Layout.readOffset + 8, ~position)
  }

  // MARK: What must hold

  func invariant() -> String? {
    let (tail, limit) = (word(Layout.tailOffset), word(Layout.limitOffset))
    if tail < readPosition || tail - readPosition > UInt64(Layout.ringSize) { return "\(tail - readPosition) bytes in a ring of \(Layout.ringSize)" }
    if limit > readPosition { return "limit \(limit) is beyond what was read, \(readPosition)" }
    return broken
  }

  /// After the host has ended: holes are stepped over, and all that was committed has been read, once.
  func end() -> String? {
    look(hasEnded: true)
    if let broken { return broken }
    if readPosition != word(Layout.tailOffset) { return "the relay stopped at \(readPosition) of \(word(Layout.tailOffset))" }
    for number in committed where !read.contains(number) { return "record \(number) was lost" }
    // One that never came back may have committed its last record, and not have heard of it.
    if read.count > committed.count + 1 { return "\(read.count) records were read, \(committed.count) were written" }
    return word(Layout.dropsOffset) == UInt64(refused) || mistake != nil ? nil : "\(refused) were refused, \(word(Layout.dropsOffset)) counted"
  }
}
