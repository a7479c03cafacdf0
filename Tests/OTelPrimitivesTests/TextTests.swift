import OTelPrimitives
import OTelTestSupport
import Testing

@Suite struct TextTests {
  @Test func sliceIsClamped() {
    withText("abcdef".utf8) { text in
      for from in [Int.min, -1, 0, 2, 6, 7, Int.max] {
        for to in [Int.min, -1, 0, 3, 6, 7, Int.max] {
          let last = min(max(to, 0), 6)
          let first = min(max(from, 0), last)
          let characters = Array("abcdef")
          #expect(text.slice(from, to).string == String(characters[first..<last]))
        }
      }
    }
  }

  @Test func bytesOutsideAreZero() {
    withText("ab".utf8) { text in
      #expect([-1, 0, 1, 2, Int.max, Int.min].map { text[$0] } == [0, 0x61, 0x62, 0, 0, 0])
    }
  }

  @Test func literal() {
    let text = Text("traceparent")
    #expect(text.string == "traceparent")
    #expect(Text("").isEmpty)
    #expect(Text("ä€").string == "ä€")
  }

  @Test(arguments: [("GET", "get", true), ("a[b", "A{B", false), ("@", "`", false), ("", "", true), ("ab", "abc", false), ("äX", "äx", true), ("Ä", "ä", false)])
  func equalityIgnoringCase(_ one: String, _ other: String, _ isEqual: Bool) {
    withText(one.utf8) { one in withText(other.utf8) { #expect(one.equalsIgnoringCase($0) == isEqual) } }
  }

  @Test func comparisons() {
    withText("trace".utf8) { text in
      #expect(text.equals("trace") && !text.equals("tracE") && !text.equals("trac") && !text.equals("traces"))
      #expect(text.hasPrefix("") && text.hasPrefix("tra") && text.hasPrefix("trace") && !text.hasPrefix("traces") && !text.hasPrefix("r"))
    }
  }

  @Test(arguments: [("", ""), (" \t ", ""), ("a", "a"), ("\t a b \t", "a b"), (" a", "a"), ("a ", "a"), ("\na\n", "\na\n")])
  func trimming(_ text: String, _ expected: String) { withText(text.utf8) { #expect($0.trimmed.string == expected) } }

  @Test func firstIndex() {
    withText("a=b=c".utf8) { text in
      #expect(text.firstIndex(of: 0x3d) == 1)
      #expect(text.firstIndex(of: 0x3d, from: 2) == 3)
      #expect(text.firstIndex(of: 0x3d, from: 4) == nil)
      #expect(text.firstIndex(of: 0x3d, from: -5) == 1)
      #expect(text.firstIndex(of: 0x3d, from: .max) == nil)
    }
  }

  @Test func cString() {
    let bytes: [CChar] = [0x61, 0x62, 0, 0x63]
    bytes.withUnsafeBufferPointer { buffer in
      #expect(Text(cString: buffer.baseAddress!).string == "ab")
      #expect(Text(cString: buffer.baseAddress!, limit: 1).string == "a")
      #expect(Text(cString: buffer.baseAddress!, limit: 0).isEmpty)
    }
  }
}
