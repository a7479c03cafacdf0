import OTelInstrumentation
import OTelPrimitives
import OTelTestSupport
import Testing

@Suite struct HostListTests {
  @Test(arguments: [
    ("h", "h", true), ("h", "H", true), ("H", "h", true), ("h", "hh", false), ("h", "a.h", false), ("a, b ,", "b", true), ("*", "x", true), ("*.h", "a.h", true),
    ("*.h", "b.a.H", true), ("*.h", "h", false), ("*.h", "ah", false), ("*.h", ".h", false), ("[::1]", "::1", true), ("::1", "::1", true), ("!h", "h", false), ("!h", "x", true),
    ("! h", "h", false), ("!*.h,*", "a.h", false), ("a,!a", "a", false), ("!a,a", "a", false), ("!a,b", "c", false), ("!*", "x", false), ("", "x", true), (",", "x", true),
    ("*h", "ah", false), ("h", "", false), ("!", "x", true),
  ])
  func contains(_ list: String, _ host: String, _ expected: Bool) {
    withText(list) { list in withText(host) { #expect(HostList(list).contains($0) == expected) } }
  }
}
