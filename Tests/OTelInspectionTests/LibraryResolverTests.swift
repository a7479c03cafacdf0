import Foundation
import Testing

@testable import OTelInspection

@Suite struct LibraryResolverTests {
  private let bench: Workbench

  init() throws { bench = try Workbench() }

  /// A library without anything, and without libc.
  @discardableResult
  private func library(_ name: String, soname: String, _ options: String...) throws -> ByteString {
    try FileManager.default.createDirectory(
      atPath: bench.path + "/" + (name as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    let function = "f_" + soname.filter(\.isLetter)
    try bench.write(name + ".c", "int \(function)(void) { return 0; }")
    let result = try bench.run("cc", ["-shared", "-fPIC", "-nostdlib", "-Wl,--no-as-needed", "-Wl,-soname,\(soname)", "-o", name, name + ".c"] + options)
    try #require(result.status == 0, "\(result.output)")
    return ByteString(bench.path + "/" + name)
  }

  private func program(_ options: String...) throws -> (file: ELFFile, path: ByteString) {
    try bench.write("main.c", "int main(void) { return 0; }")
    let result = try bench.run("cc", ["-o", "main", "main.c", "-Wl,--no-as-needed", "-Wl,--allow-shlib-undefined"] + options)
    try #require(result.status == 0, "\(result.output)")
    let path = ByteString(bench.path + "/main")
    return (try bench.elf(path), path)
  }

  private func found(
    _ program: (file: ELFFile, path: ByteString), libraryPath: String? = nil, system: [String] = [], cache: LoaderCache? = nil
  ) -> [String: String?] {
    let resolver = LibraryResolver(
      libraryPath: libraryPath.map { ByteString($0) }, cache: cache, systemDirectories: system.map { ByteString(bench.path + "/" + $0) })
    let libraries = resolver.libraries(of: program.file, path: program.path).filter { $0.name != "libc.so.6" && !$0.name.hasPrefix("ld-linux") }
    return Dictionary(
      libraries.map { ("\($0.name)", $0.path.map { "\($0)".replacing(bench.path + "/", with: "") }) }, uniquingKeysWith: { first, _ in first })
  }

  @Test func theOrderOfPlaces() throws {
    for folder in ["run", "env", "sys"] { try library("\(folder)/liba.so", soname: "liba.so.1") }
    for folder in ["run", "env", "sys"] {
      try FileManager.default.createSymbolicLink(atPath: bench.path + "/\(folder)/liba.so.1", withDestinationPath: "liba.so")
    }
    let runpath = try program("sys/liba.so", "-Wl,--enable-new-dtags,-rpath,$ORIGIN/run")
    #expect(found(runpath, libraryPath: bench.path + "/env", system: ["sys"]) == ["liba.so.1": "env/liba.so.1"])
    #expect(found(runpath, libraryPath: "/nowhere", system: ["sys"]) == ["liba.so.1": "run/liba.so.1"])
    let rpath = try program("sys/liba.so", "-Wl,--disable-new-dtags,-rpath,${ORIGIN}/run")
    #expect(found(rpath, libraryPath: bench.path + "/env", system: ["sys"]) == ["liba.so.1": "run/liba.so.1"])
    let none = try program("sys/liba.so")
    #expect(found(none, libraryPath: "/nowhere:\(bench.path)/env", system: ["sys"]) == ["liba.so.1": "env/liba.so.1"])
    #expect(found(none, system: ["sys"]) == ["liba.so.1": "sys/liba.so.1"])
    #expect(found(none) == ["liba.so.1": nil])
    // -z nodefaultlib.
    let strict = try program("sys/liba.so", "-Wl,-z,nodefaultlib")
    #expect(found(strict, system: ["sys"]) == ["liba.so.1": nil])
  }

  /// DT_RPATH of a program counts for its libraries' libraries, DT_RUNPATH does not.
  @Test func librariesOfLibraries() throws {
    try library("inner/libb.so.1", soname: "libb.so.1")
    try library("outer/liba.so.1", soname: "liba.so.1", "inner/libb.so.1")
    let options = ["outer/liba.so.1", "-Wl,-rpath,$ORIGIN/outer:$ORIGIN/inner"]
    let rpath = found(try program(options[0], "-Wl,--disable-new-dtags", options[1]))
    #expect(rpath == ["liba.so.1": "outer/liba.so.1", "libb.so.1": "inner/libb.so.1"])
    let runpath = found(try program(options[0], "-Wl,--enable-new-dtags", options[1]))
    #expect(runpath == ["liba.so.1": "outer/liba.so.1", "libb.so.1": nil])
  }

  @Test func theLoadersCache() throws {
    try library("cached/liba.so.1", soname: "liba.so.1")
    let conf = try bench.write("ld.so.conf", "\(bench.path)/cached\n")
    let made = try bench.run("ldconfig", ["-X", "-C", bench.path + "/cache", "-f", "\(conf)"])
    let cache = try #require(LoaderCache(ByteString(bench.path + "/cache")), "\(made.output)")
    #expect(cache.path(of: "liba.so.1") == ByteString(bench.path + "/cached/liba.so.1"))
    #expect(cache.path(of: "liba.so.2") == nil)
    let cached = found(try program("cached/liba.so.1"), cache: cache)
    #expect(cached == ["liba.so.1": "cached/liba.so.1"])
    // As ldconfig before glibc 2.32 writes it, behind another list.
    let compatible = try bench.run("ldconfig", ["-X", "-c", "compat", "-C", bench.path + "/compat", "-f", "\(conf)"])
    let older = try #require(LoaderCache(ByteString(bench.path + "/compat")), "\(compatible.output)")
    #expect(older.path(of: "liba.so.1") == ByteString(bench.path + "/cached/liba.so.1"))
    // Cut anywhere, it does no harm.
    let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: bench.path + "/compat")))
    for length in stride(from: 0, to: min(bytes.count, 4096), by: 7) {
      _ = LoaderCache(try bench.write("cut", Array(bytes[..<length])))?.path(of: "liba.so.1")
    }
  }

  /// The loader itself says what it would load: "LD_TRACE_LOADED_OBJECTS: … list its dynamic dependencies" (ld.so(8)).
  @Test(arguments: ["/bin/sh", "/usr/bin/git", "/usr/bin/curl", "/usr/bin/perl", "/usr/bin/sqlite3"])
  func asTheLoaderItself(_ program: String) throws {
    try #require(FileManager.default.isExecutableFile(atPath: program))
    let said = try bench.run("env", ["LD_TRACE_LOADED_OBJECTS=1", program]).output
    let expected = said.split(separator: "\n").compactMap { line in
      line.firstRange(of: "=> ").flatMap { line[$0.upperBound...].split(separator: " ").first.map(String.init) }
    }
    let elf = try bench.elf(ByteString(program))
    let libraries = LibraryResolver().libraries(of: elf, path: ByteString(program)).filter { !$0.name.hasPrefix("ld-linux") }
    #expect(libraries.map { "\($0.path ?? "?")" }.sorted() == expected.sorted())
    #expect(!expected.isEmpty)
  }
}
