import COTelShims
public import OTelPrimitives

/// What a process needs to record. All of it lies in one page that a fork child sees zeroed (MADV_WIPEONFORK): for a child the
/// region's address is gone before it can touch memory that it does not have (MADV_DONTFORK). No atfork handler, no getpid: a raw
/// fork is seen too, and a vfork child, which shares our memory, is rightly no other process.
public struct ProcessState {
  let page: UnsafeMutableRawPointer

  public static var size: Int { 4096 }

  @inline(__always)
  public init(page: UnsafeMutableRawPointer) { self.page = page }

  /// 0 until ids can be drawn, and again in a fork child.
  @inline(__always) public var generation: SharedWord { SharedWord(page) }
  /// Address of the current region; 0: none.
  @inline(__always) public var region: SharedWord { SharedWord(page + 8) }
  /// What to add to CLOCK_MONOTONIC to get Unix time, in nanoseconds.
  @inline(__always) public var clock: SharedWord { SharedWord(page + 16) }
  /// When to look at the relay's words again, CLOCK_MONOTONIC.
  @inline(__always) var nextCheck: SharedWord { SharedWord(page + 24) }

  // Cold.
  @inline(__always) var phase: SharedWord { SharedWord(page + 64) }
  @inline(__always) var secretHigh: SharedWord { SharedWord(page + 72) }
  @inline(__always) var secretLow: SharedWord { SharedWord(page + 80) }
  @inline(__always) var threadCount: SharedWord { SharedWord(page + 88) }
  /// Spans that ended before the process's first region was there.
  @inline(__always) var passed: SharedWord { SharedWord(page + 96) }
  @inline(__always) var ordinal: SharedWord { SharedWord(page + 104) }
  @inline(__always) var instanceHigh: SharedWord { SharedWord(page + 112) }
  @inline(__always) var instanceLow: SharedWord { SharedWord(page + 120) }
  /// When the current region was handed over, CLOCK_MONOTONIC; 0: it was not.
  @inline(__always) var handedOverAt: SharedWord { SharedWord(page + 128) }
  /// Regions handed over in a row without a sign of life.
  @inline(__always) var renewals: SharedWord { SharedWord(page + 136) }
  /// Hand-overs in a row that failed: nobody was there, or not yet.
  @inline(__always) var failures: SharedWord { SharedWord(page + 168) }
  /// The region that the current one replaced, until its last records are carried over.
  @inline(__always) var retiring: SharedWord { SharedWord(page + 144) }
  @inline(__always) var retiringCursor: SharedWord { SharedWord(page + 152) }
  @inline(__always) var retiredAt: SharedWord { SharedWord(page + 160) }

  /// Where `ConsoleExporter` has its buffers; 0: nowhere.
  @inline(__always) var consoleBuffers: SharedWord { SharedWord(page + 176) }
  /// One bit for each of them that is taken.
  @inline(__always) var consoleClaims: SharedWord { SharedWord(page + 184) }
  /// `process.pid`, for the exporter console alone.
  @inline(__always) var processID: SharedWord { SharedWord(page + 192) }

  enum Phase {
    static let none: UInt64 = 0
    static let busy: UInt64 = 1
    static let attached: UInt64 = 2
    /// No region could be made; `nextCheck` says when to try again.
    static let failed: UInt64 = 3
  }

  @inline(__always) public var regionAddress: UnsafeMutableRawPointer? {
    UnsafeMutableRawPointer(bitPattern: UInt(truncatingIfNeeded: region.loadAcquiring()))
  }
}
