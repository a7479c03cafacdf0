import OTelPrimitives

func withText<Result>(_ string: String, _ body: (Text) throws -> Result) rethrows -> Result {
  try (Array(string.utf8) + [0]).withUnsafeBufferPointer { try body(Text($0.baseAddress!, count: $0.count - 1)) }
}
