#if OTEL_INTERLEAVINGS
  import OTelPrimitives

  /// In the place of memcpy(3) when every order of steps is tried out (Tests/Interleavings): a copy is not one step.
  @discardableResult
  func memcpy(_ target: UnsafeMutableRawPointer!, _ source: UnsafeRawPointer!, _ count: Int) -> UnsafeMutableRawPointer! {
    onSharedStep()
    target.copyMemory(from: source, byteCount: count / 2)
    onSharedStep()
    (target + count / 2).copyMemory(from: source + count / 2, byteCount: count - count / 2)
    return target
  }
#endif
