import Foundation
import OTelInspection
import Testing

@testable import OTelLaunch

@Suite struct ProgramLookupTests {
  private let home: Home

  init() throws {
    home = try Home()
    for folder in ["a", "b", "c/program"] { try FileManager.default.createDirectory(atPath: home.path + "/" + folder, withIntermediateDirectories: true) }
    try Data().write(to: URL(fileURLWithPath: home.path + "/a/program"))
    chmod(home.path + "/a/program", 0o644)
    try Data().write(to: URL(fileURLWithPath: home.path + "/b/program"))
    chmod(home.path + "/b/program", 0o755)
  }

  private func path(_ folders: String...) -> ByteString { ByteString(folders.map { home.path + "/" + $0 }.joined(separator: ":")) }

  @Test func goesOnBehindWhatMayNotBeExecuted() throws {
    #expect(try ProgramLookup.find("program", searchPath: path("none", "a", "c", "b")) == ByteString(home.path + "/b/program"))
  }

  @Test func remembersWhatMayNotBeExecuted() {
    #expect { try ProgramLookup.find("program", searchPath: path("a", "none")) } throws: {
      ($0 as? LaunchError)?.status == 126
    }
    #expect { try ProgramLookup.find("program", searchPath: path("none")) } throws: {
      ($0 as? LaunchError)?.status == 127
    }
  }

  @Test func withoutPathThereIsTheDefault() throws { #expect(try ProgramLookup.find("sh", searchPath: nil) == "/bin/sh") }

  @Test func anEmptyPartIsTheWorkingDirectory() {
    #expect { try ProgramLookup.find("no-such-program", searchPath: ":") } throws: { ($0 as? LaunchError)?.status == 127 }
  }
}
