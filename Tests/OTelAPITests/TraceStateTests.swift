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
}
