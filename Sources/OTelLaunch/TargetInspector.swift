@preconcurrency import Glibc

/// Whether ld.so will load the agent into a program, from the first bytes of its file.
///
/// With LD_PRELOAD set, a musl program ends before `main` (its loader finds glibc's symbols missing), one built with AddressSanitizer as
/// well, and a 32-bit one has a line "wrong ELF class" on its stderr. Such programs are run without the agent, and the user is told why there are no spans.
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
    let file = path.withCString { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    guard file >= 0 else { return .loadable }
    defer { close(file) }
    // Linux follows four interpreters of interpreters (fs/exec.c).
    if depth < 5, let interpreter = scriptInterpreter(file) { return inspect(interpreter, depth: depth + 1) }
    return ELFFile(file).map { inspect($0) } ?? .loadable
  }

  /// The path behind `#!`.
  private static func scriptInterpreter(_ file: Int32) -> ByteString? {
    let head = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in count = max(0, pread(file, buffer.baseAddress, 4096, 0)) }
    guard head.starts(with: Array("#!".utf8)) else { return nil }
    let line = head.dropFirst(2).prefix { $0 != 0x0a && $0 != 0 }
    let path = line.drop { $0 == 0x20 || $0 == 0x09 }.prefix { $0 != 0x20 && $0 != 0x09 && $0 != 0x0d }
    return path.isEmpty ? nil : ByteString(path)
  }

  private static func inspect(_ program: ELFFile) -> Target {
    guard program.isClass64 else { return .foreign(reason: "it is a 32-bit program and the agent is a 64-bit library") }
    guard program.machine == machine else { return .foreign(reason: "it is a program for another processor") }
    guard program.hasProgramHeaders else { return .loadable }
    guard let loader = program.interpreter else { return .staticallyLinked }
    let name = loader.split("/").last ?? loader
    if name.hasPrefix("ld-musl") { return .foreign(reason: "it is a program for musl and the agent needs glibc") }
    guard glibcLoaders.contains(where: { name.hasPrefix($0) }) else { return .foreign(reason: "its loader \(loader.quoted) is not glibc's") }
    // AddressSanitizer ends a program in which its library is not the first; and what the agent writes, built without ThreadSanitizer,
    // would be reported as the program's races.
    let sanitizer = program.libraries.first { library in sanitizers.contains { library.hasPrefix($0) } }
    return sanitizer.map { .foreign(reason: "it uses \($0), which bears no other library in front") } ?? .loadable
  }

  private static let glibcLoaders: [ByteString] = ["ld-linux", "ld.so", "ld64.so", "ld-2."]
  private static let sanitizers: [ByteString] = ["libasan.so", "libtsan.so", "libclang_rt.asan", "libclang_rt.tsan"]

  private static var machine: UInt64 {
    #if arch(x86_64)
    62
    #elseif arch(arm64)
    183
    #endif
  }
}
