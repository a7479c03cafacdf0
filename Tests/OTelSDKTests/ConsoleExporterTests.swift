import COTelShims
import OTelPrimitives
import OTelRegion
import OTelTestSupport
import Testing

@testable import OTelSDK

/// All but the write: the test runner's standard error is not the tests'.
@Suite struct ConsoleExporterTests {
  private let process = TestProcess()
  private let buffers = UnsafeMutableRawPointer.allocate(byteCount: 64 * ConsoleExporter.bufferSize, alignment: 4096)
  private var exporter: ConsoleExporter { ConsoleExporter(options: process.options) }

  init() { process.state.consoleBuffers.store(UInt64(UInt(bitPattern: buffers))) }

  /// An OTLP `Span` with these attributes.
  private func line(_ values: [(String, [UInt8])]) -> String? {
    var bytes: [UInt8] = []
    func append(_ tag: UInt8, _ payload: [UInt8]) -> [UInt8] {
      var head = [tag]
      var rest = payload.count
      while rest >= 0x80 {
        head.append(UInt8(rest & 0x7f) | 0x80)
        rest >>= 7
      }
      return head + [UInt8(rest)] + payload
    }
    for (key, value) in values { bytes += append(0x4a, append(0x0a, Array(key.utf8)) + append(0x12, append(0x0a, value))) }
    let before = process.state.consoleClaims.load()
    let written = bytes.withUnsafeBytes { exporter.line(of: $0) }
    guard let written else {
      #expect(process.state.consoleClaims.load() == before)
      return nil
    }
    #expect(process.state.consoleClaims.load() != before)
    #expect(written.text[-1] == 0x0a)
    let text = String(decoding: UnsafeBufferPointer(start: written.text, count: written.count), as: UTF8.self)
    exporter.release(written)
    #expect(process.state.consoleClaims.load() == before)
    return text
  }

  @Test func longValuesAreCutToTheSameLengthAndShortOnesAreNot() throws {
    let long = [UInt8](repeating: 0x76, count: 15_000)
    let text = try #require(line([("first", long), ("second", long), ("third", Array("short".utf8)), ("fourth", long)]))
    #expect(text.utf8.count < ConsoleExporter.bufferSize && text.hasSuffix("}}\n"))
    let lengths = text.split(separator: "\"").filter { $0.hasPrefix("vvv") }.map(\.count)
    #expect(lengths == [4095, 4095, 4095])
    #expect(text.contains(#""third": "short""#))
  }

  @Test func aPipeTakesNoMoreThanItKeepsTogether() throws {
    process.options.pointee.console.is_pipe = true
    let whole = try #require(line([("k", [UInt8](repeating: 0x76, count: 3000))]))
    #expect(whole.contains(String(repeating: "v", count: 3000)))
    let cut = try #require(line([("k", [UInt8](repeating: 0x76, count: 15_000)), ("last", [0x78])]))
    // With the line feed in front that may have to be added.
    #expect(cut.utf8.count < 4096)
    #expect(cut.contains(String(repeating: "v", count: 2047)) && cut.contains(#""last": "x""#))
  }

  @Test func whatFitsIntoNoLineIsCounted() {
    process.options.pointee.console.is_pipe = true
    let many = (0..<128).map { ("attribute.with.a.long.name.\($0)", [UInt8](repeating: 0x76, count: 100)) }
    #expect(line(many) == nil)
    #expect(process.memory.host.drops(.consoleFull).load() == 1)
    process.options.pointee.console.is_pipe = false
    #expect(line(many) != nil)
  }

  @Test func everyBufferIsUsedAndNoMore() throws {
    let lines = (0..<64).map { _ in exporter.line(of: UnsafeRawBufferPointer(start: nil, count: 0)) }
    let addresses = Set(lines.compactMap { $0.map { UInt(bitPattern: $0.text) } })
    #expect(addresses.count == 64)
    #expect(exporter.line(of: UnsafeRawBufferPointer(start: nil, count: 0)) == nil)
    #expect(process.memory.host.drops(.consoleFull).load() == 1)
    exporter.release(try #require(lines[17]))
    #expect(exporter.line(of: UnsafeRawBufferPointer(start: nil, count: 0)).map { UInt(bitPattern: $0.text) } == lines[17].map { UInt(bitPattern: $0.text) })
  }

  @Test func withoutBuffersEverythingIsCounted() {
    process.state.consoleBuffers.store(0)
    #expect(line([]) == nil)
    #expect(process.memory.host.drops(.consoleFull).load() == 1)
  }

  /// A process started without standard error, which is what the options say until somebody looked.
  @Test func withoutStandardErrorEverySpanIsCounted() {
    process.options.pointee.exportsToRelay = false
    process.options.pointee.exportsToConsole = true
    #expect(process.record { $0.set("k", 1) } != nil)
    #expect(process.memory.host.drops(.consoleUnwritten).load() == 1)
    #expect(process.memory.claimedSlots == 0 && process.spans.isEmpty && process.state.consoleClaims.load() == 0)
    // And whoever else exports still gets it.
    process.options.pointee.exportsToRelay = true
    #expect(process.record { $0.set("k", 1) } != nil)
    #expect(process.spans.count == 1)
  }
}
