import OTelAPI
import OTelPrimitives
import OTelSDK
import OTelTestSupport
import Testing

@testable import OTelSDK

@Suite struct ArrayAttributeTests {
  private let process = TestProcess()

  private func record(_ items: [String]) {
    _ = process.record { recorder in
      let storage = items.map { Array($0.utf8) }
      let texts = storage.map { bytes in
        let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: max(bytes.count, 1))
        copy.initialize(from: bytes, count: bytes.count)
        return Text(copy, count: bytes.count)
      }
      texts.withUnsafeBufferPointer { recorder.set("list", strings: $0) }
      for text in texts { text.start.deallocate() }
      recorder.set("after", 1)
    }
  }

  /// The lengths around which one byte of length becomes two, of the item and of what holds it; and more than a small slot holds.
  @Test(arguments: [0, 1, 60, 61, 62, 63, 64, 100, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 130, 500, 7000])
  func itemsOfAnyLength(_ length: Int) throws {
    let items = [String(repeating: "a", count: length), "b", String(repeating: "c", count: length)]
    record(items)
    let decoded = try #require(process.spans.first)
    #expect(decoded.value("list") == .strings(items))
    #expect(decoded.value("after") == .int(1) && decoded.droppedAttributes == 0)
  }

  @Test func anArrayThatIsTooLongIsDroppedWhole() throws {
    record([String](repeating: String(repeating: "a", count: 9000), count: 9))
    let decoded = try #require(process.spans.first)
    #expect(decoded.value("list") == nil && decoded.droppedAttributes == 1 && decoded.value("after") == .int(1))
  }

  @Test func whatIsNotUTF8IsReplaced() throws {
    _ = process.record { recorder in
      let bytes: [UInt8] = [0x61, 0xff]
      bytes.withUnsafeBufferPointer { buffer in
        withUnsafePointer(to: Text(buffer.baseAddress!, count: 2)) { recorder.set("list", strings: UnsafeBufferPointer(start: $0, count: 1)) }
      }
    }
    #expect(try #require(process.spans.first).value("list") == .strings(["a\u{fffd}"]))
  }
}
