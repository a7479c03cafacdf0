import Foundation
import Testing

@testable import OTelLaunch

/// `otel-instrument --check`, as a user runs it.
@Suite struct CheckTests {
  private static let agentSource = """
    int connect(void) { return 0; } int curl_easy_perform(void) { return 0; }
    """
  private static let name = "otel-check-tests"
  private static let shared = Result {
    let installation = try Installation(
      name: name, agent: agentSource, versions: "CURL_OPENSSL_4 { global: curl_*; }; GLIBC_2.2.5 { global: connect; };")
    atexit { try? FileManager.default.removeItem(atPath: NSTemporaryDirectory() + "\(CheckTests.name).\(getpid())") }
    return installation
  }

  private let installation: Installation
  private let home: Home

  init() throws {
    installation = try CheckTests.shared.get()
    home = try Home()
    try answer(0, "http://127.0.0.1:4318/v1/traces takes spans")
  }

  /// What the relay will say about the destination: its exit status, a line on stdout, and one on stderr.
  private func answer(_ status: Int, _ line: String, _ remark: String = "") throws { try write("check", "\(status)\n\(line)\n\(remark)") }

  @discardableResult
  private func write(_ name: String, _ text: String) throws -> String {
    let file = home.path + "/" + name
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    chmod(file, 0o755)
    return file
  }

  private func check(_ arguments: String..., environment: [String: String] = [:]) throws -> Completion {
    var result = try run(installation.launcher, ["--check"] + arguments, environment: home.environment.merging(environment) { $1 })
    result.output = result.output.replacing(home.path, with: "HOME").replacing(installation.prefix, with: "PREFIX")
    return result
  }

  /// A program that calls a libcurl beside it, and connects.
  private func client() throws -> String {
    try write("libcurl.c", "int curl_easy_perform(void *handle) { return handle != 0; }")
    try write("map", "CURL_OPENSSL_4 { global: curl_*; local: *; };")
    try write("client.c", "int curl_easy_perform(void *); int connect(int, void *, int); int main(void) { return curl_easy_perform(0) + connect(0, 0, 0); }")
    let commands = [
      ["-shared", "-fPIC", "-Wl,-soname,libcurl.so.4", "-Wl,--version-script=\(home.path)/map", "-o", home.path + "/libcurl.so.4", home.path + "/libcurl.c"],
      ["-o", home.path + "/client", home.path + "/client.c", home.path + "/libcurl.so.4", "-Wl,-rpath,\(home.path)"],
    ]
    for command in commands {
      let done = try run("cc", command, environment: home.environment)
      try #require(done.status == 0, "\(done.errors)")
    }
    return home.path + "/client"
  }

  private func settings(_ changed: [String: String] = [:]) -> String {
    let defaults: [(String, String)] = [
      ("OTEL_NATIVE_RELAY", "\"auto\" (otelagent's default)"),
      ("OTEL_SERVICE_NAME", "\"unknown_service:<program>\" (specification's default)"),
      ("OTEL_PROPAGATORS", "\"tracecontext,baggage\" (specification's default)"),
      ("OTEL_TRACES_EXPORTER", "\"otlp\" (otelagent's default)"),
      ("OTEL_TRACES_SAMPLER", "\"parentbased_always_on\" (specification's default)"),
      ("OTEL_EXPORTER_OTLP_ENDPOINT", "\"http://localhost:4318\" (specification's default)"),
      ("OTEL_EXPORTER_OTLP_PROTOCOL", "\"http/protobuf\" (otelagent's default)"),
    ]
    return defaults.map { "  \($0.0) = \(changed[$0.0] ?? $0.1)\n" }.joined()
  }

  @Test func allIsWell() throws {
    let result = try check("--service-name", "shop", try client(), environment: ["OTEL_TRACES_SAMPLER": "always_on"])
    #if arch(x86_64)
    let (machine, loader) = ("x86-64", "/lib64/ld-linux-x86-64.so.2")
    #else
    let (machine, loader) = ("AArch64", "/lib/ld-linux-aarch64.so.1")
    #endif
    let changed = ["OTEL_SERVICE_NAME": "\"shop\" (option)", "OTEL_TRACES_SAMPLER": "\"always_on\" (environment)"]
    #expect(
      result.output == """
        HOME/client: will be traced (requests with libcurl's easy interface, TCP connects).

        Program
          file:         HOME/client
          format:       ELF, 64-bit, \(machine), dynamically linked
          loader:       \(loader) (glibc)
          libcurl:      HOME/libcurl.so.4 (OpenSSL), linked by client
          traced call:  curl_easy_perform, made by client
          traced call:  connect, made by client

        Agent
          library:      PREFIX/lib/otelagent/libotelagent.so
          LD_PRELOAD:   PREFIX/lib/otelagent/libotelagent.so
          relay:        none yet: one will be started
          destination:  http://127.0.0.1:4318/v1/traces takes spans

        Settings
        \(settings(changed))
        """)
    #expect(result.status == 0 && result.errors == "")
    #expect(!home.hasRelayLog, "nothing is started")
  }

  @Test func whyNot() throws {
    try write("main.c", "int main(void) { return 0; }")
    let built = try run("cc", ["-static", "-o", home.path + "/static", home.path + "/main.c"], environment: home.environment)
    try #require(built.status == 0, "\(built.errors)")
    try answer(1, "http://127.0.0.1:4318/v1/traces: connection refused", "is the collector running?")
    let result = try check(home.path + "/static")
    let lines = result.output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    #expect(lines[0] == "HOME/static: cannot be traced: it is statically linked, so no agent can be loaded into it.")
    #expect(
      lines.suffix(4) == [
        "To do", "  - Use a build of it that is linked with glibc dynamically.",
        "  - The destination does not take spans: http://127.0.0.1:4318/v1/traces: connection refused; is the collector running?", "",
      ])
    #expect(result.status == 1)
    // The same words when it is run.
    let launched = try run(installation.launcher, [home.path + "/static"], environment: home.environment.merging(["OTEL_NATIVE_RELAY": "off"]) { $1 })
    #expect(
      launched.errors
        == "otel-instrument: \(home.path)/static runs without the agent: it is statically linked, so no agent can be loaded into it. "
        + "Use a build of it that is linked with glibc dynamically.\n")
  }

  @Test func theSettingsAlone() throws {
    let result = try check()
    #expect(result.status == 0 && result.output.hasPrefix("otel-instrument: ready to trace a program.\n\nAgent\n"))
    try answer(1, "no")
    #expect(try check().output.hasPrefix("otel-instrument: not ready: see To do.\n"))
  }

  @Test func scripts() throws {
    let script = try write("script", "#!/usr/bin/env sh\n")
    let result = try check(script)
    #expect(result.status == 0)
    #expect(result.output.contains("  file:         HOME/script\n  run by (#!):  /usr/bin/env\n  run by env:   /"))
    #expect(result.output.contains("  starts:       other programs; they inherit the agent"))
  }

  @Test func whatCannotBeRun() throws {
    let missing = try check("no-such-program")
    #expect(missing.status == 127 && missing.output == "" && missing.errors.hasPrefix("otel-instrument: there is no program"))
    #expect(try check(home.path).status == 126)
    #expect(try check("--service-name").status == 2)
    let script = try check(try write("script", "#!/bin/sh\r\n"))
    #expect(script.status == 127)
    #expect(script.output.hasPrefix("HOME/script: cannot be run: its interpreter \"/bin/sh\\x0d\" does not exist.\n"))
    #expect(script.output.contains("as on Windows"))
    let loop = try check(try write("loop", "#!\(home.path)/loop\n"))
    #expect(loop.status == 126 && loop.output.hasPrefix("HOME/loop: cannot be run: its #! lines lead"))
  }

  @Test(arguments: [
    ("OTEL_NATIVE_DISABLED", "true"), ("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none"), ("OTEL_NATIVE_RELAY", "off"),
    ("OTEL_TRACES_SAMPLER", "always_off"), ("OTEL_TRACES_SAMPLER", "parentbased_always_off"), ("OTEL_NATIVE_DISABLED_INSTRUMENTATIONS", "*"),
    ("TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"),
  ])
  func nothingIsRecorded(_ name: String, _ value: String) throws {
    let result = try check("sh", environment: [name: value])
    #expect(result.status == 1)
    #expect(result.output.hasPrefix("sh: will not be traced: \(name)"))
    #expect(!result.output.contains("destination:"), "nobody is asked")
  }

  /// What another format's parent says is not looked up here, so nothing is said of it.
  @Test(arguments: [("b3", "parentbased_always_on"), ("jaeger,tracecontext", "parentbased_always_off")])
  func aParentThatMayBeElsewhere(_ propagators: String, _ sampler: String) throws {
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
    let result = try check("sh", environment: ["TRACEPARENT": parent, "OTEL_PROPAGATORS": propagators, "OTEL_TRACES_SAMPLER": sampler])
    #expect(!result.output.contains("will not be traced"), "\(result.output)")
  }

  @Test func nothingSecretIsShown() throws {
    let result = try check(
      "--exporter-otlp-headers", "api-key=canary,canary", "sh",
      environment: [
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://canary:canary@127.0.0.1:4318/?key=canary", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "canary",
      ])
    #expect(!result.output.contains("canary"), "\(result.output)")
    #expect(result.output.contains("OTEL_EXPORTER_OTLP_HEADERS = api-key (values not shown) (option; see below)"))
    #expect(result.output.contains("OTEL_EXPORTER_OTLP_ENDPOINT = \"http://...@127.0.0.1:4318/?...\" (environment)"))
    #expect(result.status == 1, "a header is malformed")
  }

  /// The destination is asked with the settings that would hold, and with what a relay keeps of an environment.
  @Test func theDestinationIsAskedAsTheRelayWould() throws {
    try answer(0, "VARIABLES")
    let result = try check("--service-name=x", "sh", environment: ["OTEL_EXPORTER_OTLP_TIMEOUT": "1", "SECRET": "y", "no_proxy": "z"])
    #expect(result.output.contains("  destination:  HOME OTEL_EXPORTER_OTLP_TIMEOUT OTEL_SERVICE_NAME PATH XDG_RUNTIME_DIR no_proxy\n"))
  }

  @Test func theDestinationCannotBeAsked() throws {
    try answer(64, "", "Error: Unexpected argument")
    let result = try check("sh")
    #expect(result.status == 1)
    #expect(result.output.contains("otel-relay check failed with status 64 (Error: Unexpected argument), so the destination was not asked."))
  }

  @Test func relays() throws {
    let nobody = try check("sh", environment: ["OTEL_NATIVE_RELAY": "unix:\(home.path)/no.sock"])
    #expect(nobody.status == 1 && nobody.output.contains("  relay:        none listens at HOME/no.sock, and none is started\n"))
    // One that listens and never answers: nobody takes from its queue.
    let place = home.path + "/mute.sock"
    let script = """
      import socket, subprocess, sys
      place = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); place.bind(sys.argv[1]); place.listen()
      sys.exit(subprocess.run(sys.argv[2:]).returncode)
      """
    let mute = try run(
      "python3", ["-c", script, place, installation.launcher, "--check", "sh"],
      environment: home.environment.merging(["OTEL_NATIVE_RELAY": "unix:\(place)"]) { $1 })
    #expect(mute.status == 1 && mute.output.contains("  relay:        listens at \(place) and does not answer\n"))
  }

  @Test func aBrokenInstallation() throws {
    let broken = try Installation(name: "otel-check-broken")
    defer { broken.remove() }
    try FileManager.default.removeItem(atPath: broken.library)
    let result = try run(broken.launcher, ["--check", "sh"], environment: home.environment)
    #expect(result.status == 1)
    #expect(result.output.hasPrefix("sh: cannot be traced: the agent \(broken.library) cannot be read"))
  }
}
