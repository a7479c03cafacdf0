import OTelAPI
import OTelPrimitives
import OTelTestSupport
import Testing

@Suite struct TraceStateTests {
  private func isValid(_ value: String) -> Bool { withText(value) { TraceState.isValid($0) } }
  private static func members(_ count: Int) -> String { (1...count).map { "k\($0)=v" }.joined(separator: ",") }

  // W3C Trace Context Level 2, 3.3.
  @Test(arguments: [
    "foo=1", "foo=1,bar=2", " foo=1 , bar=2\t", "foo=1,,bar=2", ",foo=1,", "foo@=1", "foo@@bar=1", "foo@bar@baz=1", "fw529a3039@dt=FfffffeC", "0=1",
    "z/*-_@=1", "foo= 1", "foo=  a b", "foo=~!\"#$%&'()*+-./:;<>?@[\\]^_`{|}", "foo=1,foo=1", String(repeating: "z", count: 256) + "=1",
    "a=" + String(repeating: "v", count: 256), members(32), "foo=1 \t",
  ])
  func accepted(_ value: String) { #expect(isValid(value)) }

  @Test(arguments: [
    "", " ", ",", " , ", "foo", "foo=", "=1", "=", "@foo=1", "FOO=1", "foo.bar=1", "foo =1", "foo=bar=baz", "foo=\u{7f}", "foo=a\tb", "foo=\u{e4}", "f\u{e4}=1",
    "_foo=1", "-foo=1", "foo=1,bar", "foo=1,=", String(repeating: "z", count: 257) + "=1", "a=" + String(repeating: "v", count: 257),
    members(33), "foo=1\nbar=2", "foo=1\0", "a=" + String(repeating: "v", count: 250) + ",b=" + String(repeating: "v", count: 250) + ",c=12345678",
  ])
  func refused(_ value: String) { #expect(!isValid(value)) }

  private func copied(_ value: String) -> String {
    var bytes = [UInt8](repeating: 0x21, count: TraceState.capacity + 8)
    let count = withText(value) { text in bytes.withUnsafeMutableBufferPointer { TraceState.copy(text, to: $0.baseAddress!) } }
    #expect(bytes[count...].allSatisfy { $0 == 0x21 })
    return String(decoding: bytes[..<count], as: UTF8.self)
  }

  @Test(arguments: ["foo=1", " foo=1 , bar=2\t", "foo=1,,bar=2", members(32)]) func copiedAsItCame(_ value: String) { #expect(copied(value) == value) }
  @Test(arguments: ["", ",", "foo", "FOO=1,bar=2", members(33)]) func notCopied(_ value: String) { #expect(copied(value) == "") }

  /// "Entries larger than 128 characters SHOULD be removed first. Then entries SHOULD be removed starting from the end."
  @Test func whatDoesNotFit() {
    func member(_ key: String, _ count: Int) -> String { key + "=" + String(repeating: "v", count: count - key.count - 1) }
    let (a, b, c, long, longer) = (member("a", 128), member("b", 128), member("c", 128), member("l", 129), member("m", 200))
    #expect(copied([long, a, b, c].joined(separator: " , ")) == [a, b, c].joined(separator: ","))
    #expect(copied([a, b, c, "d=1", member("e", 128)].joined(separator: ",")) == [a, b, c, "d=1"].joined(separator: ","))
    // No more of the long ones than have to.
    #expect(copied([longer, a, long, b].joined(separator: ",")) == [longer, a, b].joined(separator: ","))
    #expect(copied([long, longer, member("n", 256)].joined(separator: ",")) == [long, longer].joined(separator: ","))
    let exact = [a, b, c, member("d", 125)].joined(separator: ",")
    #expect(exact.utf8.count == TraceState.capacity && copied(exact) == exact && copied("," + exact) == exact)
    // Valid as a whole before anything is left out.
    #expect(copied([a, b, c, member("d", 128), "BAD=1"].joined(separator: ",")) == "")
  }
}
