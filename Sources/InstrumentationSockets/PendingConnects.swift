import COTelHookABI
import OTelAPI
import OTelInstrumentation
import OTelPrimitives

/// Connects whose outcome the program has not learned yet, by descriptor, in a static table.
///
/// Of several threads that learn of the same one, one takes it. Any thread; async-signal-safe; constant time but for `forEach`.
enum PendingConnects {
  /// Places that a descriptor may be at. Descriptors are dense: most are at their first.
  private static var places: Int { 4 }
  private static var taken: UInt64 { 1 &<< 63 }

  @inline(__always)
  private static func name(_ descriptor: Int32) -> UInt64 { UInt64(UInt32(bitPattern: descriptor)) &+ 1 }

  @inline(__always)
  private static func owner(_ index: Int) -> SharedWord { SharedWord(otel_connect_owner(Int32(truncatingIfNeeded: index))) }

  @inline(__always)
  private static func connect(_ index: Int) -> UnsafeMutablePointer<otel_connect> { otel_connect_at(Int32(truncatingIfNeeded: index)) }

  /// False: there is no room. Afterwards the hooks look out for `descriptor`.
  /// - Parameter isOwn: whether a span is of this process: what a fork left in the table makes room.
  @inline(__always)
  static func insert(
    _ descriptor: Int32, _ span: OpenSpan, _ address: UnsafePointer<sockaddr>, _ length: UInt32, isOwn: (OpenSpan) -> Bool
  ) -> Bool {
    var place = 0
    while place < places {
      let index = Int(descriptor) &+ place
      let owner = owner(index)
      let connect = connect(index)
      let found = owner.load()
      let isFree = found == 0 || found & taken == 0 && !isOwn(CallState.load(otel_connect_span(connect)))
      if isFree, owner.replace(found, with: taken) == nil {
        CallState.store(span, in: otel_connect_span(connect))
        connect.pointee.length = length < UInt32(OTEL_CONNECT_ADDRESS) ? length : UInt32(OTEL_CONNECT_ADDRESS)
        memcpy(otel_connect_address(connect), address, Int(connect.pointee.length))
        owner.storeReleasing(name(descriptor))
        otel_connects_use()
        otel_socket_hint(descriptor).pointee = UInt8(truncatingIfNeeded: OTEL_SOCKET_CONNECTING)
        return true
      }
      place &+= 1
    }
    return false
  }

  /// Where the connect of `descriptor` is; nil: nowhere, or another thread has taken it.
  @inline(__always)
  static func find(_ descriptor: Int32) -> UnsafeMutablePointer<otel_connect>? {
    var place = 0
    while place < places {
      let index = Int(descriptor) &+ place
      if owner(index).loadAcquiring() == name(descriptor) { return connect(index) }
      place &+= 1
    }
    return nil
  }

  /// Takes the connect of `descriptor` out; `body` is called with it unless there is none.
  @inline(__always)
  static func take(_ descriptor: Int32, _ body: (UnsafeMutablePointer<otel_connect>) -> Void) {
    otel_socket_hint(descriptor).pointee = UInt8(truncatingIfNeeded: OTEL_SOCKET_TCP)
    var place = 0
    while place < places {
      let index = Int(descriptor) &+ place
      let owner = owner(index)
      if owner.load() == name(descriptor), owner.replace(name(descriptor), with: taken) == nil {
        body(connect(index))
        owner.storeReleasing(0)
        return
      }
      place &+= 1
    }
  }

  /// Calls `body` with each descriptor from `first` to `last` that is in the table.
  @inline(__always)
  static func forEach(from first: UInt32, through last: UInt32, _ body: (Int32) -> Void) {
    var index = 0
    while index < Int(OTEL_CONNECTS) {
      let found = owner(index).load()
      let descriptor = UInt32(truncatingIfNeeded: found &- 1)
      if found != 0, found & taken == 0, descriptor >= first, descriptor <= last { body(Int32(bitPattern: descriptor)) }
      index &+= 1
    }
  }
}
