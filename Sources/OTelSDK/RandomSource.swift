import COTelShims
public import OTelPrimitives

/// Random ids: SplitMix64 per thread, its counter and a key drawn from the process's secret, which getrandom(2) filled. A system call per
/// id would be five times the cost of a span.
///
/// Children of a fork draw a new secret; threads of one process differ by their number; a signal handler takes the counter's next value
/// (`otel_thread_advance`), where a generator with more state would give it the ids of the code that it interrupted.
/// Any thread; async-signal-safe. Source of the mixing: https://prng.di.unimi.it/splitmix64.c.
enum RandomSource {
  private static var step: UInt64 { 0x9e37_79b9_7f4a_7c15 }

  /// Never 0.
  @inline(__always)
  static func next(_ thread: UnsafeMutablePointer<otel_thread>) -> UInt64 {
    let result = mix(otel_thread_advance(thread, step)) ^ thread.pointee.random_key
    return result == 0 ? 1 : result
  }

  @inline(__always)
  static func mix(_ value: UInt64) -> UInt64 {
    var x = value &+ step
    x = (x ^ x &>> 30) &* 0xbf58_476d_1ce4_e5b9
    x = (x ^ x &>> 27) &* 0x94d0_49bb_1331_11eb
    return x ^ x &>> 31
  }

  @inline(never)
  static func seed(_ thread: UnsafeMutablePointer<otel_thread>, _ process: ProcessState, generation: UInt64) {
    let number = mix(process.threadCount.add(1))
    thread.pointee.random_counter = mix(process.secretHigh.load() ^ number)
    thread.pointee.random_key = mix(process.secretLow.load() &+ number)
    thread.pointee.depth = 0
    thread.pointee.slot_hint = UInt16(truncatingIfNeeded: thread.pointee.random_key)
    thread.pointee.generation = generation
  }

  /// Draws the process's secret; returns its generation. Several threads may: one generation wins, any secret is good.
  @inline(never)
  static func attachSecret(_ process: ProcessState) -> UInt64 {
    var words: (UInt64, UInt64) = (0, 0)
    // A handler that forked between the draw and its storing would leave parent and child with one secret.
    let isFiltered = otel_host_filtered()
    let signals = isFiltered ? 0 : otel_signals_block()
    defer { if !isFiltered { otel_signals_restore(signals) } }
    let filled = !isFiltered && withUnsafeMutablePointer(to: &words) { pointer in
      UnsafeMutableRawPointer(pointer).withMemoryRebound(to: UInt64.self, capacity: 2) { otel_random($0, 2) }
    }
    if !filled {
      // The kernel gives none, or may not be asked: what differs between processes, threads and moments has to do.
      words.0 = mix(otel_monotonic() ^ UInt64(UInt(bitPattern: otel_thread_self())))
      words.1 = mix(otel_realtime() &+ words.0)
    }
    process.secretHigh.store(words.0)
    process.secretLow.store(words.1)
    let generation = mix(words.0 ^ words.1 &<< 1) | 1
    return process.generation.replace(0, with: generation) ?? generation
  }
}
