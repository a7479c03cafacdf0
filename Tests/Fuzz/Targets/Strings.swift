import COTelShims
import Glibc
import OTelInspection
import OTelLaunch
import OTelView

@testable import OTelReceiver

/// LD_PRELOAD. What is in front of the first NUL is the library.
func preload(_ input: UnsafeRawBufferPointer) {
  var pieces = Pieces(input)
  let library = ByteString(pieces.take(to: 0))
  let list = ByteString(pieces.rest.filter { $0 != 0 })
  func entries(_ list: ByteString) -> [ByteString] { list.bytes.split { $0 == 0x20 || $0 == 0x3a }.map { ByteString($0) } }
  let isSame: (ByteString) -> Bool = { $0 == library }
  guard PreloadList.canExpress(library), !library.isEmpty else {
    check(library.isEmpty || library.bytes.contains { [0x20, 0x3a, 0x24].contains($0) }, "\(library) cannot be said")
    return
  }
  let added = PreloadList.adding(library, to: list, isSame: isSame)
  let others = entries(list).filter { !isSame($0) }
  checkEqual(entries(added).filter { !isSame($0) }, others, "the other libraries")
  checkEqual(entries(added).contains(library), true, "the library")
  if entries(list).contains(library) { checkEqual(added, list, "a list with it") } else { checkEqual(entries(added).first, library, "the first library") }
  checkEqual(PreloadList.adding(library, to: added, isSame: isSame), added, "what is added twice")
  let removed = PreloadList.removing(from: added, isSame: isSame)
  checkEqual(removed.map(entries) ?? [], others, "what is left")
  checkEqual(PreloadList.removing(from: list, isSame: { _ in false }), list, "a list without it")
}

/// What a view shows of foreign text. The first byte says how many columns there are.
func terminal(_ input: UnsafeRawBufferPointer) {
  var pieces = Pieces(input)
  let (columns, isUnicode) = (Int(pieces.byte()) & 127 + 1, pieces.byte() & 1 == 0)
  let source = String(decoding: pieces.rest, as: UTF8.self)
  let text = TerminalText(source, isUnicode: isUnicode)
  let cuts = [text, text.cut(columns), text.cutInTheMiddle(columns)]
  for shown in cuts {
    for scalar in shown.scalars {
      check(isUnicode || scalar.isASCII, "U+\(String(scalar.value, radix: 16)) on a terminal of ASCII")
      switch scalar.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse: check(false, "U+\(String(scalar.value, radix: 16)) is shown")
      default: check(!(0x202a...0x202e).contains(scalar.value) && !(0x2066...0x2069).contains(scalar.value) && ![0x200e, 0x200f, 0x61c].contains(scalar.value), "a turn of direction")
      }
    }
  }
  check(cuts[1].width <= columns && cuts[2].width <= columns, "\(cuts[1].width) and \(cuts[2].width) columns instead of \(columns)")
  if text.width <= columns { check(cuts[1].text == text.text && cuts[2].text == text.text, "what fits is cut") }
  checkEqual(TerminalText(text.text, isUnicode: isUnicode).text, text.text, "what is shown of what is shown")
  let padded = TerminalText(text.padded(columns), isUnicode: isUnicode)
  checkEqual(padded.width, columns, "a column's width")
}

/// A packet to the relay, with as many descriptors as the first byte says.
func message(_ input: UnsafeRawBufferPointer) {
  var pieces = Pieces(input)
  let count = Int(pieces.byte()) % 5
  let payload = pieces.take(64)
  var pair: [Int32] = [0, 0]
  check(socketpair(AF_UNIX, 5 | 0o2000000 /* SOCK_SEQPACKET | SOCK_CLOEXEC */, 0, &pair) == 0, "no sockets")
  var sent: [Int32] = []
  for _ in 0..<count { sent.append(dup(pair[1])) }
  transmit(pair[1], payload, sent)
  for descriptor in sent { close(descriptor) }
  let free = lowestFree()
  let connection = Connection(pair[0], acceptedAt: 0)
  var taken: [Int32] = []
  let isHeader = payload.count == (payload.count >= 8 && payload[6] == 6 && payload[7] == 0 ? 16 : 8) && payload.prefix(6) == [0x6f, 0x74, 0x65, 0x6c, 1, 0]
  let kind = payload.count >= 8 ? Int(payload[6]) | Int(payload[7]) << 8 : 0
  switch connection.receive() {
  case .region(let first, let second):
    taken = [first] + (second.map { [$0] } ?? [])
    check(isHeader && kind == 1 && (1...2).contains(count), "a region in \(payload) with \(count) descriptors")
  case .status(let isJSON): check(isHeader && kind == (isJSON ? 4 : 2) && count == 0, "a question in \(payload)")
  case .process(let first):
    taken = [first]
    check(isHeader && kind == 5 && count == 1, "a process in \(payload) with \(count) descriptors")
  case .child(let process, let status):
    check(isHeader && kind == 6 && count == 0 && process > 0 && status != -1, "a child in \(payload)")
  case .drain: check(isHeader && kind == 3 && count == 0, "a drain in \(payload)")
  case .nothing: check(payload.isEmpty && count == 0, "nothing in \(payload)")
  case .invalid(let why):
    let descriptors = [1: 1...2, 2: 0...0, 3: 0...0, 4: 0...0, 5: 1...1][kind]
    check(!isHeader || descriptors?.contains(count) != true, "\(payload) is refused: \(why)")
  case nil: check(false, "a packet that has not arrived")
  }
  for descriptor in taken { check(close(descriptor) == 0, "a descriptor that is none") }
  checkEqual(lowestFree(), free, "a descriptor is left open: the lowest free one")
  close(pair[1])
}

private func lowestFree() -> Int32 {
  let descriptor = dup(2)
  close(descriptor)
  return descriptor
}

private func transmit(_ socket: Int32, _ payload: [UInt8], _ descriptors: [Int32]) {
  var bytes = payload
  var control = [UInt64](repeating: 0, count: 8)
  let length = 16 + descriptors.count * 4
  control[0] = UInt64(length)
  control[1] = UInt64(UInt32(bitPattern: SOL_SOCKET)) | UInt64(SCM_RIGHTS) << 32
  control.withUnsafeMutableBytes { room in
    for (index, descriptor) in descriptors.enumerated() { room.storeBytes(of: descriptor, toByteOffset: 16 + index * 4, as: Int32.self) }
    bytes.withUnsafeMutableBytes { payload in
      var vector = iovec(iov_base: payload.baseAddress, iov_len: payload.count)
      withUnsafeMutablePointer(to: &vector) { vector in
        var header = msghdr()
        header.msg_iov = vector
        header.msg_iovlen = 1
        if !descriptors.isEmpty {
          header.msg_control = room.baseAddress
          header.msg_controllen = length
        }
        _ = sendmsg(socket, &header, 0)
      }
    }
  }
}
