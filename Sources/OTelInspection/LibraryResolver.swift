/// Finds the libraries that ld.so will load with a program, in its order (ld.so(8)), without running anything.
///
/// Left out: variants for newer processors (glibc-hwcaps), which have the same symbols; LD_PRELOAD and LD_AUDIT.
package struct LibraryResolver {
  /// LD_LIBRARY_PATH.
  package var libraryPath: ByteString?
  package var cache: LoaderCache?
  package var systemDirectories: [ByteString]

  package struct Library {
    /// As DT_NEEDED has it.
    package let name: ByteString
    /// nil: there is none, and the program will not start.
    package let path: ByteString?
    /// Index of the object that needs it; nil: the program itself.
    package let parent: Int?
    /// nil when there is none.
    package let file: ELFFile?
    /// The libraries that it needs itself.
    package let needed: [ByteString]
  }

  package init(
    libraryPath: ByteString? = nil, cache: LoaderCache? = LoaderCache("/etc/ld.so.cache"),
    systemDirectories: [ByteString] = LibraryResolver.defaultDirectories
  ) {
    self.libraryPath = libraryPath
    self.cache = cache
    self.systemDirectories = systemDirectories
  }

  /// Debian's, then those of other distributions.
  package static var defaultDirectories: [ByteString] {
    #if arch(x86_64)
    ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"]
    #elseif arch(arm64)
    ["/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"]
    #endif
  }

  /// All libraries of a program, each once, breadth first as ld.so loads them.
  /// - Parameter path: the program's file; `$ORIGIN` is its directory.
  package func libraries(of program: ELFFile, path: ByteString) -> [Library] {
    let main = Requester(path: path.resolved ?? path, dynamic: DynamicSection(program), parent: nil)
    var found: [Library] = []
    var names: Set<ByteString> = []
    var requesters = [main]
    var next = 0
    while next < requesters.count {
      let requester = requesters[next]
      for name in requester.dynamic.needed where names.insert(name).inserted {
        let match = find(name, for: next, requesters)
        let dynamic = match.map { DynamicSection($0.file) }
        if let alias = dynamic?.name { names.insert(alias) }
        found.append(
          Library(name: name, path: match?.path, parent: requester.index, file: match?.file, needed: dynamic?.needed ?? []))
        if let match, let dynamic {
          requesters.append(Requester(path: match.path, dynamic: dynamic, parent: next, index: found.count - 1))
        }
      }
      next += 1
    }
    return found
  }

  private struct Requester {
    var path: ByteString
    var dynamic: DynamicSection
    var parent: Int?
    var index: Int?
  }

  private func find(_ name: ByteString, for index: Int, _ requesters: [Requester]) -> (path: ByteString, file: ELFFile)? {
    let requester = requesters[index]
    if name.contains("/") { return LibraryResolver.expand(name, origin: requester.path.directory).lazy.compactMap(LibraryResolver.open).first }
    var directories: [ByteString] = []
    if requester.dynamic.runpath == nil {
      var ancestor: Int? = index
      while let current = ancestor {
        if requesters[current].dynamic.runpath == nil { directories += directoriesOf(requesters[current].dynamic.rpath, requesters[current]) }
        ancestor = requesters[current].parent
      }
    }
    directories += directoriesOf(libraryPath, requester)
    directories += directoriesOf(requester.dynamic.runpath, requester)
    if let match = directories.lazy.compactMap({ LibraryResolver.open($0 + "/" + name) }).first { return match }
    guard !requester.dynamic.ignoresSystemDirectories else { return nil }
    if let path = cache?.path(of: name), let match = LibraryResolver.open(path) { return match }
    return systemDirectories.lazy.compactMap { LibraryResolver.open($0 + "/" + name) }.first
  }

  private func directoriesOf(_ list: ByteString?, _ requester: Requester) -> [ByteString] {
    guard let list, !list.isEmpty else { return [] }
    // LD_LIBRARY_PATH may have semicolons too; an empty entry is the current directory.
    return list.split(":", ";").flatMap { LibraryResolver.expand($0.isEmpty ? "." : $0, origin: requester.path.directory) }
  }

  /// `$ORIGIN`, and `$LIB` as each of what it is on some distribution (ld.so(8), "Dynamic string tokens").
  private static func expand(_ path: ByteString, origin: ByteString) -> [ByteString] {
    guard path.contains("$") else { return [path] }
    let withOrigin = replace("ORIGIN", origin, path)
    var results: [ByteString] = []
    for lib in defaultDirectories.filter({ !$0.hasPrefix("/usr") }) {
      let result = replace("LIB", ByteString(lib.bytes.dropFirst()), withOrigin)
      if !results.contains(result) { results.append(result) }
    }
    return results
  }

  private static func replace(_ token: ByteString, _ value: ByteString, _ path: ByteString) -> ByteString {
    var result: [UInt8] = []
    var rest = path.bytes[...]
    while let byte = rest.first {
      let isFound = ["$" + token, "${" + token + "}"].first { rest.starts(with: $0.bytes) }
      result += isFound == nil ? [byte] : value.bytes
      rest = rest.dropFirst(isFound?.bytes.count ?? 1)
    }
    return ByteString(result)
  }

  /// nil: no file for our processor, which the loader steps over.
  private static func open(_ path: ByteString) -> (path: ByteString, file: ELFFile)? {
    guard let file = OpenFile(path).flatMap({ ELFFile($0) }), file.isClass64, file.machine == .own else { return nil }
    return (path, file)
  }
}
