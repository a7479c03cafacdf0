import Testing

@testable import OTelRelay

@Suite struct CrashRecordTests {
  @Test func linesAreReadAsTheyAreWritten() {
    let entries = [
      CrashRecord.Entry(path: "/usr/bin/a b", until: 12, count: 0, last: 3), CrashRecord.Entry(path: "/x", until: 0, count: 2, last: 1),
    ]
    let text = CrashRecord.text(entries)
    #expect(text == "12 0 3 /usr/bin/a b\n0 2 1 /x\n")
    #expect(text.split(separator: "\n").compactMap { CrashRecord.entry($0) } == entries)
  }

  @Test(arguments: ["", "1", "1 2 3", "a 2 3 /x", "-1 2 3 /x", "99999999999999999999999 0 0 /x"])
  func whatIsNoEntryIsNone(line: String) { #expect(CrashRecord.entry(line[...]) == nil) }

  /// Readers look at 4 KiB: what does not fit is left out whole, and it is the oldest.
  @Test func aLongRecordKeepsTheNewest() {
    let entries = (0..<200).map { CrashRecord.Entry(path: "/bin/\($0)-" + String(repeating: "x", count: 80)) }
    let text = CrashRecord.text(entries)
    #expect(text.utf8.count <= CrashRecord.mostBytes && text.hasSuffix("\n"))
    #expect(text.hasPrefix("0 0 0 /bin/0-"))
  }
}
