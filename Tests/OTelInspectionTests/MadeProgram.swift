@testable import OTelInspection

/// The first bytes of a 64-bit program of this machine, made by hand: one program header and what it points to.
struct MadeProgram {
  private(set) var bytes: [UInt8]

  private init(kind: UInt8, content: [UInt8]) {
    bytes = [UInt8](repeating: 0, count: 120)
    bytes.replaceSubrange(0..<7, with: [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
    bytes[16] = 3
    bytes[18] = UInt8(Machine.own.number)
    bytes[32] = 64
    bytes[54] = 56
    bytes[56] = 1
    bytes[64] = kind
    bytes[72] = 120
    bytes[96] = UInt8(content.count)
    bytes += content
  }

  init(interpreter: String) { self.init(kind: 3, content: Array(interpreter.utf8) + [0]) }

  static var withoutInterpreter: MadeProgram { MadeProgram(kind: 1, content: []) }

  /// A note of somebody else, then Go's.
  static var go: MadeProgram {
    let other: [UInt8] = [4, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0x47, 0x4e, 0x55, 0, 1, 2, 3, 4, 5, 0, 0, 0]
    let go: [UInt8] = [4, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 0x47, 0x6f, 0, 0, 0x61, 0x62, 0x63, 0]
    return MadeProgram(kind: 4, content: other + go)
  }

  func with(_ value: UInt8, at index: Int) -> MadeProgram {
    var copy = self
    copy.bytes[index] = value
    return copy
  }
}
