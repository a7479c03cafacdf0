public import Synchronization

/// One 64-bit atomic word at an address, for memory that Swift did not allocate.
///
/// `Atomic` has the layout of its value, so a pointer to mapped memory may be read as a pointer to `Atomic<UInt64>`; every method
/// compiles to the one instruction it names (`mov`, `lock xadd`, `lock cmpxchg`). Any thread; async-signal-safe.
public struct SharedWord {
  @usableFromInline let word: UnsafeMutablePointer<Atomic<UInt64>>

  /// - Parameter address: aligned to 8, mapped for as long as the value is used.
  @inlinable @inline(__always)
  public init(_ address: UnsafeMutableRawPointer) {
    word = address.assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  /// A place where the tests' scheduler may let another thread go on; nothing in any other build (Tests/Interleavings).
  @inlinable @inline(__always)
  static func step() {
    #if OTEL_INTERLEAVINGS
    onSharedStep()
    #endif
  }

  @inlinable @inline(__always)
  public func load() -> UInt64 {
    Self.step()
    return word.pointee.load(ordering: .relaxed)
  }

  @inlinable @inline(__always)
  public func loadAcquiring() -> UInt64 {
    Self.step()
    return word.pointee.load(ordering: .acquiring)
  }

  @inlinable @inline(__always)
  public func store(_ value: UInt64) {
    Self.step()
    word.pointee.store(value, ordering: .relaxed)
  }

  @inlinable @inline(__always)
  public func storeReleasing(_ value: UInt64) {
    Self.step()
    word.pointee.store(value, ordering: .releasing)
  }

  /// Adds `value`, wrapping; returns the old value.
  @discardableResult
  @inlinable @inline(__always)
  public func add(_ value: UInt64) -> UInt64 {
    Self.step()
    return word.pointee.wrappingAdd(value, ordering: .relaxed).oldValue
  }

  /// Replaces `expected` by `desired`. Returns nil on success, else the value found.
  @inlinable @inline(__always)
  public func replace(_ expected: UInt64, with desired: UInt64) -> UInt64? {
    Self.step()
    let result = word.pointee.compareExchange(expected: expected, desired: desired, ordering: .acquiringAndReleasing)
    return result.exchanged ? nil : result.original
  }
}

#if OTEL_INTERLEAVINGS
/// Called before each access to a shared word, and in the middle of copies.
nonisolated(unsafe) public var onSharedStep: @convention(c) () -> Void = {}
#endif
