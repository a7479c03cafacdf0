extension Obstacle {
  /// What keeps ld.so from loading the agent into a program; nil: nothing. Needs the first bytes of its file and a few more: it is asked
  /// at each start.
  package init?(loadingInto program: ELFFile) {
    guard let obstacle = Obstacle.find(program) ?? PrivilegeChange(program.file).map({ .privilege($0) }) else { return nil }
    self = obstacle
  }

  private static func find(_ program: ELFFile) -> Obstacle? {
    guard program.isClass64 else { return .class32 }
    guard program.machine == .own else { return .machine(program.machine) }
    guard program.hasProgramHeaders else { return nil }
    guard let loader = program.interpreter else { return program.isGo ? .go : .statically }
    let name = loader.name
    if name.hasPrefix("ld-musl") { return .musl }
    guard glibcLoaders.contains(where: { name.hasPrefix($0) }) else { return .loader(loader) }
    let sanitizer = DynamicSection(program).needed.first { library in sanitizers.contains { library.hasPrefix($0) } }
    return sanitizer.map { .sanitizer($0) }
  }

  private static let glibcLoaders: [ByteString] = ["ld-linux", "ld.so", "ld64.so", "ld-2."]
  private static let sanitizers: [ByteString] = [
    "libasan.so", "libtsan.so", "libhwasan.so", "libclang_rt.asan", "libclang_rt.tsan", "libclang_rt.hwasan",
  ]
}
