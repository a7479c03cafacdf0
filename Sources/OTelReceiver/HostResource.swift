import Glibc

/// What can be said of the machine, read once: the processes a relay serves share it. Files of the relay's own root, small and bounded;
/// never a call that may wait for a network (getpwuid(3) may, through LDAP).
package struct HostResource {
  package var hostID: String?
  package var osName: String?
  package var osVersion: String?
  package var osDescription: String?
  package var userNames: [UInt32: String] = [:]

  package init() {}

  /// Reads the files under `root`, "" for the machine's own.
  package init(root: String) {
    let release = Self.assignments(Self.text(root + "/etc/os-release") ?? Self.text(root + "/usr/lib/os-release") ?? "")
    osName = release["NAME"]
    osVersion = release["VERSION_ID"]
    osDescription = release["PRETTY_NAME"]
    // "Collecting host.id from containers": the machine-id there is the image's, the same everywhere (resource/host.md).
    let isContainer = ["/.dockerenv", "/run/.containerenv", "/run/systemd/container"].contains { access(root + $0, F_OK) == 0 }
    if !isContainer {
      let identifier = Self.text(root + "/etc/machine-id") ?? Self.text(root + "/var/lib/dbus/machine-id")
      hostID = identifier.map { String($0.prefix { $0.isHexDigit }) }.flatMap { $0.count == 32 ? $0 : nil }
    }
    for line in (Self.text(root + "/etc/passwd") ?? "").split(separator: "\n") {
      let fields = line.split(separator: ":", omittingEmptySubsequences: false)
      if fields.count > 2, let number = UInt32(fields[2]), userNames[number] == nil { userNames[number] = String(fields[0]) }
    }
  }

  /// `NAME="value"` lines (os-release(5)).
  static func assignments(_ text: String) -> [String: String] {
    var values: [String: String] = [:]
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      guard let equals = line.firstIndex(of: "=") else { continue }
      var value = line[line.index(after: equals)...]
      if let quote = value.first, quote == "\"" || quote == "'", value.count >= 2, value.last == quote { value = value.dropFirst().dropLast() }
      if !value.isEmpty { values[String(line[..<equals])] = String(value) }
    }
    return values
  }

  /// The first 256 KiB of a file.
  private static func text(_ path: String) -> String? {
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 256 << 10)
    let count = bytes.withUnsafeMutableBytes { read(file, $0.baseAddress, $0.count) }
    return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
  }

  /// Semantic conventions, resource/host.md, `host.arch`.
  static func architecture(machine: String) -> String {
    switch machine {
    case "x86_64": "amd64"
    case "aarch64": "arm64"
    case "i386", "i486", "i586", "i686": "x86"
    case "ppc64le": "ppc64"
    case "ppc": "ppc32"
    case _ where machine.hasPrefix("arm"): "arm32"
    default: machine
    }
  }
}
