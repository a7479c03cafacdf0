import OTelConfiguration
import Testing

@testable import OTelLaunch

@Suite struct HelpTextTests {
  @Test func fitsIntoATerminal() {
    for line in HelpText.plain().split(separator: "\n") {
      // One name is longer than what is left of a line.
      #expect(line.count <= 80 || !line.drop { $0 == " " }.contains(" "), "\(line)")
    }
  }

  @Test func namesEveryVariable() {
    let plain = HelpText.plain()
    let markdown = VariableReference.markdown()
    for variable in EnvironmentVariable.table {
      #expect(plain.contains("\(variable.name)."))
      #expect(plain.contains("  --\(OptionName.spellings(of: variable)[0])="))
      #expect(markdown.contains("| `\(variable.name)` |"))
    }
  }

  @Test func saysWhatHasNoEffect() {
    #expect(HelpText.plain().contains("Not supported yet."))
    #expect(HelpText.plain().contains("Neither is produced by this version."))
  }

  @Test func tablesHaveThreeColumns() {
    for line in VariableReference.markdown().split(separator: "\n") where line.hasPrefix("|") {
      #expect(line.replacing("\\|", with: "").filter { $0 == "|" }.count == 4, "\(line)")
    }
  }
}
