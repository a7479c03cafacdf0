import Foundation
import Testing

@testable import OTelInspection

/// A folder for the files of one test; goes with it.
final class Workbench {
  let path: String

  init() throws {
    path = URL(fileURLWithPath: NSTemporaryDirectory()).resolvingSymlinksInPath().path + "/otel-inspection.\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  @discardableResult
  func write(_ name: String, _ bytes: [UInt8], mode: mode_t = 0o755) throws -> ByteString {
    let file = path + "/" + name
    try FileManager.default.createDirectory(atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(fileURLWithPath: file))
    chmod(file, mode)
    return ByteString(file)
  }

  @discardableResult
  func write(_ name: String, _ text: String) throws -> ByteString { try write(name, Array(text.utf8)) }

  /// Compiles C, in the folder; returns the file's path.
  @discardableResult
  func compile(_ name: String, _ source: String, _ options: String...) throws -> ByteString {
    try write(name + ".c", source)
    // By a compiler driver in a folder of its own, file names in options can be short.
    let result = try run("cc", ["-o", name, name + ".c"] + options)
    try #require(result.status == 0, "\(result.output)")
    return ByteString(path + "/" + name)
  }

  /// Runs a program in the folder; its stdout and stderr.
  func run(_ program: String, _ arguments: [String], environment: [String: String] = [:]) throws -> (status: Int32, output: String) {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [program] + arguments
    process.currentDirectoryURL = URL(fileURLWithPath: path)
    process.environment = ["PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C"].merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: text, as: UTF8.self))
  }

  func elf(_ path: ByteString) throws -> ELFFile {
    let file = try #require(OpenFile(path))
    return try #require(ELFFile(file))
  }
}
