@preconcurrency import Glibc

/// Whether ld.so will load the agent into a program, from the first bytes of its file.
///
/// With LD_PRELOAD set, a musl program ends before `main` (its loader finds glibc's symbols missing), and a 32-bit one has a line
/// "wrong ELF class" on its stderr. Such programs are run without the agent, and the user is told why there are no spans.
package enum TargetInspector {
  package enum Target: Equatable {
    /// The agent can be loaded, or the file could not be read and so nothing speaks against it.
    case loadable
    /// Nothing is ever loaded into it; LD_PRELOAD does no harm and reaches the programs it starts.
    case staticallyLinked
    /// The agent must not be named to its loader.
    case foreign(reason: String)
  }

  package static func inspect(_ path: ByteString) -> Target { inspect(path, depth: 0) }

  private static func inspect(_ path: ByteString, depth: Int) -> Target {
    let file = path.withCString { open($0, O_RDONLY | O_CLOEXEC) }
    guard file >= 0 else { return .loadable }
    defer { close(file) }
    let head = read(file, offset: 0, count: 4096)
    // Linux follows four interpreters of interpreters (fs/exec.c).
    if depth < 5, let interpreter = scriptInterpreter(head) { return inspect(interpreter, depth: depth + 1) }
    guard head.starts(with: [0x7f, 0x45, 0x4c, 0x46]) else { return .loadable }
    return inspectELF(file, head)
  }

  /// The path behind `#!`.
  private static func scriptInterpreter(_ head: [UInt8]) -> ByteString? {
    guard head.starts(with: Array("#!".utf8)) else { return nil }
    let line = head.dropFirst(2).prefix { $0 != 0x0a && $0 != 0 }
    let path = line.drop { $0 == 0x20 || $0 == 0x09 }.prefix { $0 != 0x20 && $0 != 0x09 && $0 != 0x0d }
    return path.isEmpty ? nil : ByteString(path)
  }

  /// elf(5), for 64-bit files of this machine's byte order.
  private static func inspectELF(_ file: Int32, _ head: [UInt8]) -> Target {
    let isClass64 = byte(head, 4) == 2
    guard isClass64 else { return .foreign(reason: "it is a 32-bit program and the agent is a 64-bit library") }
    guard number(head, 18, 2) == machine else { return .foreign(reason: "it is a program for another processor") }
    let table = number(head, 32, 8)
    let size = number(head, 54, 2)
    let count = number(head, 56, 2)
    guard size >= 56, count > 0, count < 1024, table < 1 << 40 else { return .loadable }
    let headers = read(file, offset: Int(table), count: Int(size * count))
    for index in 0..<Int(count) {
      let start = index * Int(size)
      guard number(headers, start, 4) == 3 /* PT_INTERP */ else { continue }
      let name = read(file, offset: Int(number(headers, start + 8, 8) & 0xff_ffff_ffff), count: min(Int(number(headers, start + 32, 8) & 0xffff), 4096))
      return classify(interpreter: ByteString(name.prefix { $0 != 0 }))
    }
    return headers.count == Int(size * count) ? .staticallyLinked : .loadable
  }

  private static func classify(interpreter: ByteString) -> Target {
    let file = interpreter.split("/").last ?? interpreter
    if file.hasPrefix("ld-linux") || file.hasPrefix("ld.so") || file.hasPrefix("ld64.so") || file.hasPrefix("ld-2.") { return .loadable }
    if file.hasPrefix("ld-musl") { return .foreign(reason: "it is a program for musl and the agent needs glibc") }
    return .foreign(reason: "its loader \(interpreter.quoted) is not glibc's")
  }

  private static var machine: UInt64 {
    #if arch(x86_64)
    62
    #elseif arch(arm64)
    183
    #endif
  }

  private static func byte(_ bytes: [UInt8], _ index: Int) -> UInt8 { index < bytes.count ? bytes[index] : 0 }

  private static func number(_ bytes: [UInt8], _ index: Int, _ count: Int) -> UInt64 {
    var value: UInt64 = 0
    for offset in (0..<count).reversed() { value = value << 8 | UInt64(byte(bytes, index + offset)) }
    return value
  }

  private static func read(_ file: Int32, offset: Int, count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      initialized = count == 0 ? 0 : max(0, pread(file, buffer.baseAddress, count, offset))
    }
  }
}
