import Glibc
import OTelPrimitives

/// Nanoseconds of CLOCK_MONOTONIC: for intervals.
package func monotonicNanoseconds() -> UInt64 { nanoseconds(CLOCK_MONOTONIC) }

/// Nanoseconds since 1970 UTC: for time stamps.
package func wallClockNanoseconds() -> UInt64 { nanoseconds(CLOCK_REALTIME) }

private func nanoseconds(_ clock: clockid_t) -> UInt64 {
  var time = timespec()
  clock_gettime(clock, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// "2026-11-22T15:04:05.678Z" (ISO 8601, UTC).
package func timestamp(_ unixNanoseconds: UInt64) -> String {
  String(unsafeUninitializedCapacity: Timestamp.capacity) { buffer in
    buffer.baseAddress.map { Timestamp.write(unixNanoseconds, digits: 3, to: $0) } ?? 0
  }
}
