import Glibc

// libFuzzer's own `main` calls these two (llvm.org/docs/LibFuzzer.html).

/// `fuzz TARGET [options of libFuzzer] [corpora or inputs]`. The children that `-fork=1` starts get the target by the environment.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(_ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>) -> CInt {
  if let name = getenv("FUZZ_TARGET") {
    chosen = FuzzTarget.named(String(cString: name))
  } else if count.pointee > 1, let name = arguments.pointee[1] {
    if strcmp(name, "--targets") == 0 {
      FuzzTarget.all.forEach { print($0.name) }
      exit(0)
    }
    if strcmp(name, "--look-up") == 0 {
      lookUp(Array(CommandLine.arguments.dropFirst(2)))
      exit(0)
    }
    chosen = FuzzTarget.named(String(cString: name))
    setenv("FUZZ_TARGET", name, 1)
    for index in 1..<Int(count.pointee) { arguments.pointee[index] = arguments.pointee[index + 1] }
    count.pointee -= 1
  }
  guard chosen != nil else {
    write("usage: fuzz TARGET [-runs=… -max_total_time=… -fork=1] [FOLDER | INPUT]…\ntargets: \(FuzzTarget.all.map(\.name).joined(separator: " "))\n")
    exit(2)
  }
  return 0
}

@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  // Of an empty input there is an address nevertheless: a `Text` has one.
  let start = bytes.map { UnsafeRawPointer($0) } ?? UnsafeRawPointer(bitPattern: 16)!
  chosen?.run(UnsafeRawBufferPointer(start: start, count: count))
  return 0
}

nonisolated(unsafe) private var chosen: FuzzTarget?

/// Standard error, without C's mutable `stderr`.
func write(_ text: String) { _ = text.withCString { Glibc.write(2, $0, strlen($0)) } }
