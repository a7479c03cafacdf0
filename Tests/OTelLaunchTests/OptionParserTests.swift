import OTelConfiguration
import OTelInspection
import Testing

@testable import OTelLaunch

@Suite struct OptionParserTests {
  private func parse(_ arguments: ByteString...) throws -> OptionParser.Command { try OptionParser().parse(arguments) }

  private func invocation(_ arguments: [ByteString]) throws -> OptionParser.Invocation? {
    guard case .run(let invocation) = try OptionParser().parse(arguments) else { return nil }
    return invocation
  }

  private func failure(_ arguments: ByteString...) -> LaunchError? {
    do {
      _ = try OptionParser().parse(arguments)
      return nil
    } catch { return error }
  }

  @Test func everyVariableIsAnOptionInEverySpelling() throws {
    for variable in EnvironmentVariable.table {
      let name = ByteString("\(variable.name)")
      let full = "--" + String("\(variable.name)".dropFirst(5)).lowercased()
      for option in [full, full.replacing("_", with: "-")] {
        let expected = [OptionParser.Assignment(name: name, value: "a=b")]
        #expect(try invocation([ByteString(option), "a=b", "p"])?.assignments == expected)
        #expect(try invocation([ByteString(option + "=a=b"), "p"])?.assignments == expected)
      }
    }
  }

  @Test func spellingsAreUnique() {
    var all: [ByteString] = ["help", "version", "check", "view", "no-init"]
    for variable in EnvironmentVariable.table { all += OptionName.spellings(of: variable) }
    #expect(Set(all).count == all.count)
  }

  @Test func oursNeedNoPrefix() throws {
    #expect(try invocation(["--relay", "off", "p"])?.assignments == [.init(name: "OTEL_NATIVE_RELAY", value: "off")])
    #expect(try invocation(["--native-relay", "off", "p"])?.assignments == [.init(name: "OTEL_NATIVE_RELAY", value: "off")])
  }

  @Test func nothingBehindTheProgramIsInterpreted() throws {
    let command: [ByteString] = ["prog", "--service-name", "x", "--help", "--", "--version"]
    #expect(try invocation(["--sdk-disabled=true"] + command)?.command == command)
    #expect(try invocation(["--"] + command)?.command == command)
    #expect(try invocation(["--", "--help"])?.command == ["--help"])
    #expect(try invocation(["-"])?.command == ["-"])
  }

  @Test func keepsBytesThatAreNotUTF8() throws {
    let bytes = ByteString([0xff, 0xfe] as [UInt8])
    #expect(try invocation(["--service-name", bytes, "p", bytes])?.command == ["p", bytes])
    #expect(try invocation(["--service-name", bytes, "p"])?.assignments.first?.value == bytes)
  }

  @Test func reads() throws {
    #expect(try parse("--help") == .help)
    #expect(try parse("-h") == .help)
    #expect(try parse("--version", "x") == .version)
    #expect(try invocation(["--no-init", "p"])?.mayStayAsInit == false)
    #expect(try invocation(["p"])?.mayStayAsInit == true)
    #expect(try invocation(["--check", "p", "--check"]) == .init(isCheck: true, command: ["p", "--check"]))
    #expect(try invocation(["p"])?.isCheck == false)
    #expect(try invocation(["--check"])?.command == [])
    #expect(try invocation(["--check", "--service-name", "x"])?.command == [])
    #expect(try invocation(["--view", "p"])?.isViewed == true)
    #expect(try invocation(["p", "--view"])?.isViewed == false)
    #expect(try invocation(["--service-name=", "p"])?.assignments == [.init(name: "OTEL_SERVICE_NAME", value: "")])
  }

  @Test(arguments: [
    ("--servce-name", "--service-name"), ("--otel-service-name=x", "--service-name"), ("--Service-Name", "--service-name"),
    ("-service-name", "--service-name"), ("--hlep", "--help"), ("--chekc", "--check"), ("--exporter-otlp-endpiont", "--exporter-otlp-endpoint"),
  ])
  func suggests(_ written: String, _ meant: String) throws {
    let error = try #require(failure(ByteString(written), "p"))
    #expect(error.status == 2)
    #expect(error.message.contains("Did you mean \(meant)?"))
  }

  @Test func refusesWithoutSuggestion() throws {
    let error = try #require(failure("--frobnicate", "p"))
    #expect(error.message == "there is no option \"--frobnicate\". otel-instrument --help lists them all.")
  }

  // The value of a mistyped option may be a secret.
  @Test func neverShowsAValue() throws {
    #expect(try #require(failure("--exporter-otlp-haeders=s3cret", "p")).message.contains("s3cret") == false)
  }

  @Test func missingValueAndMissingProgram() throws {
    #expect(try #require(failure("--service-name")) == LaunchError(2, "the option --service-name needs a value: --service-name=<text>."))
    #expect(try #require(failure()).status == 2)
    #expect(try #require(failure("--no-init", "--")).status == 2)
    #expect(try #require(failure("--disabled", "./app")).message.contains("\"./app\" was taken as the value of --disabled"))
    #expect(try #require(failure("")).status == 127)
  }
}
