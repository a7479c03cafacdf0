import Testing

@testable import OTelInspection

@Suite struct LibcurlTests {
  private let bench: Workbench
  private let caller = "int curl_easy_perform(void *); int main(void) { return curl_easy_perform(0); }"

  init() throws { bench = try Workbench() }

  private func library(_ name: String, version: String?) throws {
    let options = ["-shared", "-fPIC", "-Wl,-soname,\(name)"]
    let source = "int curl_easy_perform(void *handle) { return handle != 0; }"
    guard let version else {
      try bench.compile(name, source, options[0], options[1], options[2])
      return
    }
    try bench.write("map", "\(version) { global: curl_*; local: *; };")
    try bench.compile(name, source, options[0], options[1], options[2], "-Wl,--version-script=map")
  }

  private func libcurls(agent: [ByteString]) throws -> [Libcurl] {
    let path = ByteString(bench.path + "/program")
    let loaded = LoadedObjects(try bench.elf(path), path: path, resolver: LibraryResolver(libraryPath: ByteString(bench.path)))
    return Libcurl.all(in: loaded, agent: agent)
  }

  @Test(arguments: [
    ("CURL_OPENSSL_4", "OpenSSL"), ("CURL_GNUTLS_3", "GnuTLS"), ("CURL_NSS_3", "NSS"), ("CURL_OTHER_1", "CURL_OTHER_1"),
    (nil, "without symbol versions"),
  ])
  func flavours(_ version: String?, _ flavour: String) throws {
    try library("libcurl.so.4", version: version)
    try bench.compile("program", caller, "-L.", "-l:libcurl.so.4")
    let found = try libcurls(agent: ["OTELAGENT_ANY", "CURL_OPENSSL_4", "CURL_GNUTLS_3", "CURL_NSS_3"])
    #expect(found.map(\.flavour) == [flavour])
    #expect(found.first?.path == ByteString(bench.path + "/libcurl.so.4"))
    #expect(found.first?.users.map(\.name) == ["program"])
    #expect(found.first?.unknownVersions == (version == "CURL_OTHER_1" ? ["CURL_OTHER_1"] : []))
  }

  @Test func builtIn() throws {
    let own = "int curl_easy_perform(void *handle) { return handle != 0; } int main(void) { return curl_easy_perform(0); }"
    #expect(Libcurl.isBuilt(into: try bench.elf(try bench.compile("own", own))))
    let named = "#include <stdio.h>\nint main(void) { puts(\"curl and libcurl/7.88.1\"); }"
    #expect(Libcurl.isBuilt(into: try bench.elf(try bench.compile("stripped", named, "-s"))))
    let text = "#include <stdio.h>\nint main(void) { puts(\"see libcurl/README\"); }"
    #expect(!Libcurl.isBuilt(into: try bench.elf(try bench.compile("text", text))))
    try library("libcurl.so.4", version: nil)
    #expect(!Libcurl.isBuilt(into: try bench.elf(try bench.compile("linked", caller, "-L.", "-l:libcurl.so.4"))))
  }

  @Test func calls() throws {
    let source = "int connect(int s, const void *a, unsigned n); int main(void) { return connect(0, 0, 0); }"
    let path = try bench.compile("program", source)
    let loaded = LoadedObjects(try bench.elf(path), path: path, resolver: LibraryResolver())
    #expect(loaded.importers(of: ["connect", "curl_easy_perform"]).mapValues { $0.map(\.name) } == ["connect": ["program"]])
    // The agent is known by what it defines, and not by what it calls.
    #expect(TracedCall.supported(by: try bench.elf(path)).isEmpty)
    let agent = try bench.compile("agent.so", "int connect(void) { return 0; }", "-shared", "-fPIC")
    #expect(TracedCall.supported(by: try bench.elf(agent)).map(\.symbol) == ["connect"])
  }

  /// Linkers keep "connect" only as the end of "my_connect".
  @Test func aNameInsideOfAnotherName() throws {
    let source = "int connect(void); int my_connect(void); int f(void) { return connect() + my_connect(); }"
    let library = try bench.compile("library.so", source, "-shared", "-fPIC", "-Wl,-O2")
    #expect(SymbolTable(try bench.elf(library), names: ["connect", "my_connect", "nnect"], scope: .dynamic).imported == ["connect", "my_connect"])
  }

  @Test func runtimes() {
    for name in ["python", "python3", "python3.11", "python3.12-1"] { #expect(LanguageRuntime(ByteString(name))?.name == "Python") }
    for name in ["pythonic", "nodejs-thing", "javac", "sh"] { #expect(LanguageRuntime(ByteString(name)) == nil) }
    #expect(LanguageRuntime("perl5.36.0")?.agent == nil)
  }
}
