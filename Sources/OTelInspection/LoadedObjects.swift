/// A program with the libraries that ld.so will load with it, and what they have to do with each other.
package struct LoadedObjects {
  package struct Object {
    /// Without directories, for people.
    package let name: ByteString
    /// nil: a library that does not exist.
    package let path: ByteString?
    package let file: ELFFile?
    package let needed: [ByteString]
  }

  /// The program first.
  package let objects: [Object]
  package var program: Object { objects[0] }
  package var libraries: ArraySlice<Object> { objects.dropFirst() }
  package var missing: [ByteString] { libraries.filter { $0.path == nil }.map(\.name) }

  package init(_ program: ELFFile, path: ByteString, resolver: LibraryResolver) {
    let main = Object(name: path.name, path: path, file: program, needed: DynamicSection(program).needed)
    objects = [main] + resolver.libraries(of: program, path: path).map { Object(name: $0.name, path: $0.path, file: $0.file, needed: $0.needed) }
  }

  /// The objects that take each of `names` from elsewhere, in the order of loading.
  package func importers(of names: [ByteString]) -> [ByteString: [Object]] {
    var importers: [ByteString: [Object]] = [:]
    for object in objects {
      guard let file = object.file else { continue }
      for name in SymbolTable(file, names: names, scope: .dynamic).imported { importers[name, default: []].append(object) }
    }
    return importers
  }
}
