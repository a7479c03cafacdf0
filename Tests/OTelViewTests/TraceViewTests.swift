import Testing

@testable import OTelView

@Suite struct TraceViewTests {
  @Test(arguments: [60, 100, 160])
  func everyLineFits(_ width: Int) {
    for isUnicode in [true, false] {
      let lines = Run.usual.text(width: width, isUnicode: isUnicode).split(separator: "\n")
      for line in lines { #expect(TerminalText(String(line), isUnicode: isUnicode).width <= width, "\(line)") }
    }
  }

  @Test func sixtyColumns() {
    #expect(
      Run.usual.text(width: 60) == """

        deploy: exit status 0, 1.00 s,
        2 traces, 6 spans, 3 processes
                                   0  1.00 s
        GET               curl[41] ▌         50.0 ms 204 localhost/
        from TRACEPARENT 00-4bf92f3577b34da6a3ce…00f067aa0ba902b7-01
        ├ GET             curl[41] ▐██▌       300 ms 200 example…son
        └ POST            curl[42]     ▐███   400 ms ✗ 503 exampl…ED
          ├ GET           git-rem…      █▌    100 ms 200 git.exa…ack
          │ └ socket con… git-rem…      ▌    5.00 ms 10.0.0.7:443
          └ socket conne… curl[42]        ▐  10.0 ms ✗ ECONNREFUSED

        """)
  }

  @Test func hundredColumns() {
    #expect(
      Run.usual.text(width: 100) == """

        deploy: exit status 0, 1.00 s, 2 traces, 6 spans, 3 processes
                                                        0         1.00 s
        GET                            curl[41]         █                 50.0 ms  204 http://localhost/
        from TRACEPARENT 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
        ├ GET                          curl[41]          ▐████▌            300 ms  200 example.com/re…t.json
        └ POST                         curl[42]                 ██████▌    400 ms  ✗ 503 example.com/…DACTED
          ├ GET                        git-remote-http           ▐█        100 ms  200 git.example.co…d-pack
          │ └ socket connect 10.0.0.…  git-remote-http           ▐        5.00 ms  10.0.0.7:443
          └ socket connect             curl[42]                       ▌   10.0 ms  ✗ ECONNREFUSED [::1]:80

        """)
  }

  @Test func hundredAndSixtyColumnsInASCII() {
    #expect(
      Run.usual.text(width: 160, isUnicode: false) == """

        deploy: exit status 0, 1.00 s, 2 traces, 6 spans, 3 processes
                                                            0                               1.00 s
        GET                                curl[41]         ==                                      50.0 ms  204 http://localhost/
        from TRACEPARENT 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
        |-GET                              curl[41]            ============                          300 ms  200 https://example.com/releases/latest.json
        `-POST                             curl[42]                            ===============       400 ms  ! 503 https://example.com/upload?token=REDACTED
          |-GET                            git-remote-http                        =====              100 ms  200 git.example.com/organisation/reposit~ce=git-upload-pack
          | `-socket connect 10.0.0.7:443  git-remote-http                         =                5.00 ms
          `-socket connect                 curl[42]                                          =      10.0 ms  ! ECONNREFUSED [::1]:80

        """)
  }

  @Test func colours() {
    var run = Run()
    let process = run.process("curl", 1)
    run.add("GET", id: 1, from: 0, to: 1000, process: process, Run.http("http://h/", 200))
    run.add("GET", id: 2, from: 500, to: 1000, process: process, isError: true, Run.http("http://h/", 404))
    run.summary.ending = .killed(signal: 11)
    #expect(
      run.text(width: 60, isColoured: true).replacing("\u{1b}", with: "^") == """

        ^[1mdeploy^[0m: ^[31mkilled by SIGSEGV^[0m, 1.00 s,
        1 trace, 2 spans, 1 process
                 ^[2m0                     1.00 s^[0m
        GET ^[36mcurl^[0m ^[32m████████████████████████████^[0m 1.00 s 200 ^[2mhttp://h/^[0m
        GET ^[36mcurl^[0m ^[31m              ██████████████^[0m 500 ms ^[31m✗ 404^[0m ^[2mhttp://h/^[0m

        """)
  }

  @Test("What comes from elsewhere moves no cursor, turns no line and breaks no column")
  func hostile() {
    var run = Run()
    let process = run.process("e\u{1b}[2Jvil", 1)
    run.summary.command = "a\nb"
    run.add("\u{1b}]0;x\u{7}", id: 1, from: 0, to: 1000, process: process, ["url.full": "http://h/\u{202e}\u{9b}31m\r\n"])
    run.add("請求 データ", id: 2, parent: 1, from: 0, to: 1000, process: process)
    let text = run.text(width: 100)
    for scalar in text.unicodeScalars { #expect(scalar == "\n" || scalar.value >= 0x20 && !(0x7f..<0xa0 ~= scalar.value) && scalar.value != 0x202e) }
    let lines = text.split(separator: "\n").map { TerminalText(String($0), isUnicode: true) }
    #expect(lines.count == 4)
    #expect(lines[0].text.hasPrefix("a\\x0ab: "))
    #expect(lines[2].text.hasSuffix("http://h/\u{fffd}\\x9b31m\\x0d\\x0a"))
    // The bars begin in the same column, beside wide characters too.
    func columns(_ line: TerminalText) -> Int { TerminalText(String(line.text.prefix { $0 != "█" }), isUnicode: true).width }
    #expect(columns(lines[2]) == columns(lines[3]))
  }

  @Test func withoutSpans() {
    var run = Run()
    run.summary.ending = .exited(3)
    run.summary.hints = ["OTEL_SDK_DISABLED=true switches recording off.", "And a second sentence that does not fit."]
    #expect(
      run.text(width: 60) == """

        deploy: exit status 3, 1.00 s
        no spans: OTEL_SDK_DISABLED=true switches recording off. And
        a second sentence that does not fit.

        """)
  }

  @Test func whatIsMissingIsSaid() {
    var run = Run()
    let process = run.process("curl", 1)
    for id in 1...UInt64(SpanCollection.mostSpans) { run.add("GET", id: id, from: 0, to: 1, process: process) }
    let message = Array("x".utf8)
    for _ in 0..<3 { message.withUnsafeBytes { run.spans.add($0, process: process) } }
    run.summary.losses = [(1, "the call never returned"), (7, "unfinished when their process ended")]
    run.summary.running = 1
    let lines = run.text(width: 160).split(separator: "\n").dropFirst().prefix(4)
    #expect(
      Array(lines) == [
        "3 more spans are not shown: a view keeps the first 2000.", "1 span is missing: the call never returned.",
        "7 spans are missing: unfinished when their process ended.",
        "1 process still runs: what is recorded from here on is not shown, and exported nowhere.",
      ])
  }

  @Test("A span that is its own ancestor, or that of its parent, is shown once")
  func circles() {
    var run = Run()
    let process = run.process("p", 1)
    run.add("a", id: 1, parent: 2, from: 0, to: 1, process: process)
    run.add("b", id: 2, parent: 1, from: 0, to: 1, process: process)
    run.add("c", id: 3, parent: 3, from: 0, to: 1, process: process)
    let text = run.text(width: 100)
    for name in ["a", "b", "c"] { #expect(text.split(separator: "\n").filter { $0.contains(" \(name) ") || $0.hasPrefix("\(name) ") }.count == 1) }
  }

  @Test func aLongChainIsDrawn() {
    var run = Run()
    let process = run.process("p", 1)
    for id in 1...UInt64(1500) { run.add("n\(id)", id: id, parent: id - 1, from: 0, to: 1, process: process) }
    #expect(run.text(width: 100).split(separator: "\n").count == 1502)
  }

  @Test("A parent in the same process that is not there was left out; another may be anybody's")
  func absentParents() {
    var run = Run()
    let process = run.process("p", 1)
    run.add("a", id: 1, parent: 9, from: 0, to: 1, process: process, flags: 0x101)
    run.add("b", id: 2, parent: 8, from: 2, to: 3, process: process, flags: 0)
    let lines = run.text(width: 160).split(separator: "\n")
    #expect(lines[2] == "below a span that is not shown: 00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000009-01")
    #expect(lines[4] == "from TRACEPARENT 00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000008-00")
  }
}
