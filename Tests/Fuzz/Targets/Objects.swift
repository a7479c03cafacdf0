import CFuzz
import COTelShims
import Glibc

@testable import OTelInspection

/// An object as ld.so has loaded it: the input begins with its ELF header. Behind its last zero byte, when that is not the last byte at all, may
/// stand the name and the version that are looked up, as `name@version`.
func loadedObject(_ input: UnsafeRawBufferPointer) {
  let question = input.lastIndex(of: 0).map { Array(input[($0 + 1)...]) } ?? []
  let parts = question.split(separator: 0x40, maxSplits: 1).map { String(decoding: $0, as: UTF8.self) }
  let name = parts.first ?? "curl_easy_perform"
  let version = parts.count > 1 ? parts[1] : "CURL_OPENSSL_4"
  let image = input.dropLast(question.isEmpty ? 0 : question.count)
  name.withCString { name in
    version.withCString { version in
      let start = input.baseAddress!.assumingMemoryBound(to: UInt8.self)
      let answer = fuzz_look_up(start, image.count, fuzz_lookup(name: name, version: version))
      if let soname = answer.soname { _ = strlen(soname) }
      check(!answer.is_versioned || answer.definers <= 1, "one object is \(answer.definers) definers")
      check(answer.bound == -1 || answer.bound == 0, "bound to definer \(answer.bound)")
      check(answer.needed == -1 || answer.needed == 0, "needs definer \(answer.needed)")
    }
  }
}

/// `--look-up FILE NAME VERSION`: where a library defines a name, without and with a version, as `scripts/fuzz` compares it with readelf(1).
func lookUp(_ arguments: [String]) {
  guard arguments.count == 3, let file = fopen(arguments[0], "r") else { return write("usage: fuzz --look-up FILE NAME VERSION\n") }
  var bytes = [UInt8](repeating: 0, count: 8 << 20)
  bytes.removeLast(bytes.count - fread(&bytes, 1, bytes.count, file))
  // As ld.so maps it.
  var image: [UInt8] = []
  for index in 0..<Int(bytes.number(56, 2)) {
    let header = Int(bytes.number(32, 8)) + index * 56
    guard bytes.number(header, 4) == 1 else { continue }
    let (offset, address, size) = (Int(bytes.number(header + 8, 8)), Int(bytes.number(header + 16, 8)), Int(bytes.number(header + 32, 8)))
    let end = address + Int(bytes.number(header + 40, 8))
    if image.count < end { image += [UInt8](repeating: 0, count: end - image.count) }
    image.replaceSubrange(address..<(address + size), with: bytes[offset..<(offset + size)])
  }
  let answer = fuzz_look_up(image, image.count, fuzz_lookup(name: strdup(arguments[1]), version: strdup(arguments[2])))
  func text(_ isThere: Bool, _ value: UInt64) -> String { isThere ? String(value, radix: 16) : "none" }
  print(text(answer.is_default, answer.default_value), text(answer.is_versioned, answer.versioned_value), answer.soname.map { String(cString: $0) } ?? "none")
}

/// A memfd with the bytes; its path.
func withFile(_ bytes: some Collection<UInt8>, _ body: (ByteString) -> Void) {
  let descriptor = Int32("fuzz".withCString { otel_syscall6(Int(SYS_memfd_create), Int(bitPattern: $0), 1, 0, 0, 0, 0) })
  check(descriptor >= 0, "no memfd")
  defer { close(descriptor) }
  _ = Array(bytes).withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
  body(ByteString("/proc/self/fd/\(descriptor)"))
}

/// A program or a library on disk.
func elfFile(_ input: UnsafeRawBufferPointer) {
  let bytes = Array(input)
  withFile(bytes) { path in
    guard let opened = OpenFile(path) else { return check(false, "it cannot be opened") }
    let line = ScriptLine(opened)
    check((line != nil) ? bytes.starts(with: "#!".utf8) : true, "a script without #!")
    if let line {
      check(!line.interpreter.isEmpty && bytes.contains(sequence: line.interpreter.bytes), "interpreter \(line.interpreter)")
      if let argument = line.argument { _ = EnvCommand(scriptArgument: argument) }
    }
    guard let file = ELFFile(opened) else { return check(!bytes.starts(with: [0x7f, 0x45, 0x4c, 0x46]) , "it is refused") }
    // Whatever a name is said to be stands in the file.
    func stands(_ name: ByteString?) {
      if let name, !name.isEmpty { check(bytes.contains(sequence: name.bytes), "\(name.bytes) is not in the file") }
    }
    stands(file.interpreter)
    let dynamic = DynamicSection(file)
    for name in dynamic.needed + [dynamic.name, dynamic.rpath, dynamic.runpath].compactMap({ $0 }) { stands(name) }
    for version in SymbolVersions.defined(by: file).prefix(64) { stands(version) }
    for (library, versions) in SymbolVersions.needed(by: file).prefix(16) {
      stands(library)
      for version in versions.prefix(16) { stands(version) }
    }
    let names: [ByteString] = ["curl_easy_perform", "connect"]
    let symbols = SymbolTable(file, names: names, scope: .all)
    for name in symbols.defined.union(symbols.imported) {
      stands(name)
      check(names.contains(name), "\(name) was not asked for")
    }
    _ = Libcurl.isBuilt(into: file)
    _ = Obstacle(loadingInto: file)
    _ = file.isGo
  }
}

/// /etc/ld.so.cache. What it is asked for stands behind the last zero byte.
func loaderCache(_ input: UnsafeRawBufferPointer) {
  let bytes = Array(input)
  let asked = ByteString(bytes.lastIndex(of: 0).map { Array(bytes[($0 + 1)...]) } ?? [])
  withFile(bytes) { path in
    guard let cache = LoaderCache(path), let found = cache.path(of: asked.isEmpty ? "libc.so.6" : asked) else { return }
    if !found.isEmpty { check(bytes.contains(sequence: found.bytes), "\(found.bytes) is not in the file") }
    check(!found.bytes.contains(0), "a path with a NUL")
  }
}
