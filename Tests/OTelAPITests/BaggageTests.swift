import OTelAPI
import OTelPrimitives
import OTelTestSupport
import Testing

@Suite struct BaggageTests {
  private func carried(_ value: String) -> String {
    var bytes = [UInt8](repeating: 0x21, count: Baggage.capacity + 8)
    var count = 0
    withText(value) { text in bytes.withUnsafeMutableBufferPointer { Baggage.add(text, to: $0.baseAddress!, count: &count) } }
    #expect(bytes[count...].allSatisfy { $0 == 0x21 })
    return String(decoding: bytes[..<count], as: UTF8.self)
  }

  // https://www.w3.org/TR/baggage/#definition and its examples.
  @Test(arguments: [
    "key1=value1,key2=value2;property1;property2,key3=value3;propertyKey=propertyValue", "key1=", "userId=Am%C3%A9lie,serverNode=DF%2028,isProduction=false", "a=b=c",
    "a=b;p=q=r", "a=+", "SomeKey=!#$%&'()*+-./:<=>?@[]^_`{|}~", "!#$%&'*+-.^_`|~09azAZ=x", "k1 = v1 ; p1 ; p2 = x", "a=1,a=2", "a=%", "a=%zz",
  ])
  func asItIs(_ value: String) { #expect(carried(value) == value) }

  @Test(arguments: [
    (" a=1 ,\tb=2 ", "a=1,b=2"), (",,a=1,", "a=1"), ("", ""), (" , ", ""), ("novalue,a=1", "a=1"), ("a=1,=x,b=2", "a=1,b=2"), ("a b=1,b=2", "b=2"), ("a=x y,b=2", "b=2"),
    ("a=\"x\",b=2", "b=2"), ("a=\\,b=2", "b=2"), ("a=\u{e4},b=2", "b=2"), ("\u{e4}=1,b=2", "b=2"), ("a=1;,b=2", "b=2"), ("a=1;;p,b=2", "b=2"), ("a=1;p q,b=2", "b=2"), ("a=1;p=q r,b=2", "b=2"),
    ("a=\n,b=2", "b=2"), ("a=\u{7f},b=2", "b=2"), (";p,b=2", "b=2"), ("a;p=1,b=2", "b=2"), ("a=1\0,b=2", "b=2"), ("k(=1,b=2", "b=2"),
  ])
  func malformedMembersAlone(_ value: String, _ expected: String) { #expect(carried(value) == expected) }

  @Test func atLeastWhatHasToBeCarried() {
    let many = (1...64).map { "key\($0)=value\($0);p=\($0)" }.joined(separator: ",")
    #expect(carried(many) == many)
    #expect(carried(many + ",one=more") == many)
    let long = "a=" + String(repeating: "x", count: Baggage.capacity - 2)
    #expect(carried(long) == long)
    #expect(carried(long + "x") == "")
    let two = "a=" + String(repeating: "x", count: 4093) + ",b=" + String(repeating: "y", count: 4094)
    #expect(two.utf8.count == Baggage.capacity)
    #expect(carried(two) == two)
    // Whole members, and none behind one that is left out.
    #expect(carried(two + "y,c=1") == "a=" + String(repeating: "x", count: 4093))
  }
}
