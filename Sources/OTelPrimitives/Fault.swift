#if OTEL_FAULT_INJECTION
  public import COTelShims
#endif

/// Whether the step called `site` fails because a test wants it to: in a build with OTEL_FAULT_INJECTION=1 alone (otel_fault.h). Elsewhere
/// it is the constant false, and neither the call nor the name is in the object.
///
/// - Parameter site: begins with "fault: ", by which the object's sites are found, and says what usually works.
@inlinable @inline(__always)
public func isFaulty(_ site: StaticString) -> Bool {
  #if OTEL_FAULT_INJECTION
    return otel_fault(UnsafeRawPointer(site.utf8Start).assumingMemoryBound(to: CChar.self))
  #else
    return false
  #endif
}
