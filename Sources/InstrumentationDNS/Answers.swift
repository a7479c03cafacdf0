import COTelHookABI
import COTelShims
import OTelInstrumentation
import OTelPrimitives

/// The addresses that a look-up gave, each once, as text on the stack; those that do not fit are left out.
struct Answers {
  /// So many, of any length but with a scope.
  static var most: Int { 16 }
  private static var capacity: Int { most &* 40 }

  let texts: UnsafeMutablePointer<Text>
  private(set) var count = 0
  private var next: UnsafeMutablePointer<UInt8>
  private let end: UnsafeMutablePointer<UInt8>

  @inline(__always)
  static func with(_ body: (inout Answers) -> Void) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: capacity) { bytes in
      withUnsafeTemporaryAllocation(of: Text.self, capacity: most) { texts in
        guard let start = bytes.baseAddress, let first = texts.baseAddress else { return }
        var answers = Answers(texts: first, next: start, end: start + capacity)
        body(&answers)
      }
    }
  }

  private init(texts: UnsafeMutablePointer<Text>, next: UnsafeMutablePointer<UInt8>, end: UnsafeMutablePointer<UInt8>) {
    (self.texts, self.next, self.end) = (texts, next, end)
  }

  var hasRoom: Bool { count < Self.most && end - next >= PeerAddress.capacity }

  @inline(never)
  mutating func append(_ address: UnsafePointer<sockaddr>, length: UInt32) {
    guard hasRoom, let peer = PeerAddress(address, length: length, to: next) else { return }
    take(peer.count)
  }

  /// - Parameter family: of the `count` bytes at `address`.
  @inline(never)
  mutating func append(_ address: UnsafeRawPointer, family: Int32, count size: Int32) {
    guard hasRoom, let count = PeerAddress.write(address, family: family, count: size, to: next) else { return }
    take(count)
  }

  /// getaddrinfo gives an address once for each type of socket.
  private mutating func take(_ size: Int) {
    let text = Text(next, count: size)
    var index = 0
    while index < count {
      if Self.isSame((texts + index).pointee, text) { return }
      index &+= 1
    }
    (texts + count).initialize(to: text)
    count &+= 1
    next += size
  }

  /// Without memcmp, which is no function that a hook may call.
  private static func isSame(_ one: Text, _ other: Text) -> Bool {
    guard one.count == other.count else { return false }
    var index = 0
    while index < one.count, one[index] == other[index] { index &+= 1 }
    return index == one.count
  }
}
