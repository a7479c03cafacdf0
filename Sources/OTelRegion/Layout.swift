/// Where everything is in a region. Host and relay compile this file; `docs/region.md` explains it. A change of an offset, a state or
/// a memory order is a change of `majorVersion`, which is also in the name of the rendezvous: two builds live side by side.
///
/// ```
/// 0        4 KiB       64 KiB            1 MiB                    2 MiB          3 MiB
/// │ header │ identity  │ large slots 15  │ small slots 1024 × 1 K │ ring (1 MiB) │
/// ```
/// The file is sparse: what is not touched costs nothing.
public enum Layout {
  public static let size = 3 << 20
  public static let majorVersion: UInt64 = 1
  /// "otelrgn" and the major version.
  public static let magic: UInt64 = 0x6e_6772_6c65_746f << 8 | majorVersion

  // MARK: Header. Written once, before the region is handed over.
  public static let magicOffset = 0
  /// Key of the stamps in record headers; nobody outside knows it.
  public static let secretOffset = 16
  /// Two words: the process's `service.instance.id`, the same in all regions of one process.
  public static let instanceOffset = 32
  /// 1 for the first region of a process, 2 for the one that replaced it …
  public static let ordinalOffset = 48
  /// Bytes used in the identity area.
  public static let identityLengthOffset = 56

  // MARK: Written by the host while it lives; one cache line each where threads meet.
  /// End of the reserved part of the ring. Grows for ever.
  public static let tailOffset = 64
  /// The relay's `read` index as a writer last validated it; grows only.
  public static let limitOffset = 72
  /// 1 once another region of this process has taken over what was not exported: whatever is left in this one is a copy.
  public static let supersededOffset = 128
  /// `DropReason.count` counters.
  public static let dropsOffset = 192

  // MARK: Written by the relay, by pwrite: each word is followed by its complement, and a pair that does not match is not yet written.
  public static let relayStateOffset = 320
  public static let readOffset = 336
  public static let exportedOffset = 352
  /// The relay's CLOCK_MONOTONIC in nanoseconds, renewed about once a second. A hint only.
  public static let heartbeatOffset = 368

  /// `EnvironmentBlock` format: the process's identity first, then its configuration. See `Identity`.
  public static let identityOffset = 4096
  public static let identityCapacity = (64 << 10) - 4096

  // MARK: Slots of spans in flight
  public static let slotHeaderSize = 64
  public static let largeSlotsOffset = 64 << 10
  public static let largeSlotSize = 64 << 10
  public static let largeSlotCount = 15
  public static let smallSlotsOffset = 1 << 20
  public static let smallSlotSize = 1024
  public static let smallSlotCount = 1024

  // MARK: Ring
  public static let ringOffset = 2 << 20
  #if OTEL_INTERLEAVINGS
  // So small that a few records go round it (Tests/Interleavings).
  public static let ringSize = 64
  #else
  public static let ringSize = 1 << 20
  #endif
  /// Longest payload of a record.
  public static let recordCapacity = 64 << 10
}

/// What a relay tells the processes it serves.
public enum RelayState {
  /// Nobody has taken the region yet.
  public static let none: UInt64 = 0
  public static let attached: UInt64 = 1
  /// The relay has left in good order: what is not exported is the host's again.
  public static let detached: UInt64 = 2
  /// The relay asks for a fresh region: a record in this one was never finished.
  public static let renew: UInt64 = 3
}

/// Why a span was not recorded, counted by the host at `Layout.dropsOffset + 8 * rawValue`.
public enum DropReason: Int, CaseIterable {
  /// The ring was full: the relay did not keep up, or is not there.
  case ringFull = 0
  /// No slot for a span in flight was free, neither at its start nor at its end.
  case noSlot
  /// Spans of other threads that ended while the first region was being made.
  case attaching
  /// The call never returned (longjmp, or its thread ended): there is no end to tell.
  case neverReturned
  /// A libcurl call whose real function was not known with certainty.
  case unresolved
  /// The table of libcurl handles was full; the request was traced without what `curl_easy_setopt` told.
  case handleTableFull
  /// Calls nested deeper than the agent follows.
  case nestedTooDeep
  /// Records that could not be carried over into a new region.
  case notCarriedOver
  /// Not written by the exporter console: all its buffers were taken, or the span was too long for a line.
  case consoleFull
  /// Not written by the exporter console: standard error is another file than at the program's start, did not take it at once, or the
  /// program filters its system calls.
  case consoleUnwritten
  /// More connects in progress at once than are followed.
  case connectTableFull

  public static let count = 11
}
