import OTelPrimitives
import Testing

@Suite struct DecimalTests {
  private func written(_ value: UInt64) -> String {
    var bytes = [UInt8](repeating: 0x21, count: 24)
    let count = bytes.withUnsafeMutableBufferPointer { Decimal.write(value, to: $0.baseAddress!) }
    #expect(bytes[count...].allSatisfy { $0 == 0x21 })
    return String(decoding: bytes[..<count], as: UTF8.self)
  }

  @Test(arguments: [0, 1, 9, 10, 11, 99, 100, 404, 65535, 4_294_967_295, 9_999_999_999_999_999_999, 10_000_000_000_000_000_000, .max] as [UInt64])
  func digits(_ value: UInt64) { #expect(written(value) == String(value)) }

  @Test func randomNumbers() {
    for shift in 0..<64 as Range<UInt64> {
      let value = UInt64.random(in: 0...(.max)) >> shift
      #expect(written(value) == String(value))
    }
  }
}
