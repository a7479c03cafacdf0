import OTelPrimitives

func withText<Result>(_ bytes: some Sequence<UInt8>, _ body: (Text) throws -> Result) rethrows -> Result {
  try (Array(bytes) + [0]).withUnsafeBufferPointer { try body(Text($0.baseAddress!, count: $0.count - 1)) }
}
func withText<Result>(_ string: String, _ body: (Text) throws -> Result) rethrows -> Result { try withText(string.utf8, body) }

extension String {
  init(_ text: Text) { self = String(decoding: UnsafeBufferPointer(start: text.start, count: text.count), as: UTF8.self) }
}

/// SplitMix64: failures are found again by their seed.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var x = state
    x = (x ^ x >> 30) &* 0xbf58_476d_1ce4_e5b9
    x = (x ^ x >> 27) &* 0x94d0_49bb_1331_11eb
    return x ^ x >> 31
  }
}
