import Glibc
import OTelPrimitives

/// Ends the run with `message` when `condition` is false; libFuzzer keeps the input.
func check(_ condition: Bool, _ message: @autoclosure () -> String, line: UInt = #line, file: StaticString = #fileID) {
  guard !condition else { return }
  write("\(file):\(line): \(message())\n")
  abort()
}

func checkEqual<Value: Equatable>(_ found: Value, _ expected: Value, _ what: @autoclosure () -> String = "", line: UInt = #line, file: StaticString = #fileID) {
  check(found == expected, "\(what()) is \(found) instead of \(expected)", line: line, file: file)
}

/// Takes an input apart, for targets that need more than one thing. At its end there are zeros.
struct Pieces {
  private(set) var rest: ArraySlice<UInt8>

  init(_ input: UnsafeRawBufferPointer) { rest = ArraySlice(input) }

  var isEmpty: Bool { rest.isEmpty }
  mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }
  mutating func number(_ bytes: Int) -> UInt64 { (0..<bytes).reduce(0) { number, _ in number << 8 | UInt64(byte()) } }
  mutating func take(_ count: Int) -> [UInt8] {
    defer { rest = rest.dropFirst(count) }
    return Array(rest.prefix(count))
  }
  /// Up to the next `end`, or all.
  mutating func take(to end: UInt8) -> [UInt8] {
    let taken = Array(rest.prefix { $0 != end })
    rest = rest.dropFirst(taken.count + 1)
    return taken
  }
}

extension Text {
  var array: [UInt8] { [UInt8](UnsafeBufferPointer(start: start, count: count)) }
}

/// Lends a copy of `bytes` of exactly their size: what is read behind it AddressSanitizer reports.
func withCopy<Result>(_ bytes: [UInt8], _ body: (Text) -> Result) -> Result {
  let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, bytes.count))
  defer { memory.deallocate() }
  memory.initialize(from: bytes, count: bytes.count)
  return body(Text(memory, count: bytes.count))
}

/// Lends `capacity` bytes, and returns the first of them that were written.
func written(_ capacity: Int, _ body: (UnsafeMutablePointer<UInt8>) -> Int) -> [UInt8] {
  let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, capacity))
  defer { memory.deallocate() }
  let count = body(memory)
  check(count >= 0 && count <= capacity, "\(count) bytes were written to \(capacity)")
  return [UInt8](UnsafeBufferPointer(start: memory, count: count))
}

extension Collection<UInt8> {
  var trimmed: [UInt8] {
    var bytes = Array(self)
    while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
    return Array(bytes.drop { $0 == 0x20 || $0 == 0x09 })
  }
  /// ASCII alone, of no locale.
  var lowercased: [UInt8] { map { (0x41...0x5a).contains($0) ? $0 + 32 : $0 } }
  var isUTF8: Bool { String(validating: self, as: UTF8.self) != nil }
  func contains(sequence: [UInt8]) -> Bool {
    guard !sequence.isEmpty, count >= sequence.count else { return sequence.isEmpty }
    let bytes = Array(self)
    return (0...(bytes.count - sequence.count)).contains { bytes[$0..<($0 + sequence.count)].elementsEqual(sequence) }
  }
}

extension String {
  /// Nothing that a terminal or a log takes for more than a character of a line.
  var isPlainLine: Bool { unicodeScalars.allSatisfy { $0.properties.generalCategory != .control && $0 != "\u{2028}" && $0 != "\u{2029}" } }
}
