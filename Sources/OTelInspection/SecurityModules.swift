/// What AppArmor and SELinux may have to say about a program, as far as this process may read it. Neither can be asked whether it will
/// allow something.
package struct SecurityModules {
  private let root: ByteString

  /// - Parameter root: in front of all paths; tests have files of their own.
  package init(root: ByteString = "") { self.root = root }

  /// Sentences, for a report.
  package func notes(_ program: ByteString, agent: ByteString) -> [String] {
    var notes: [String] = []
    let allowance = "It has to allow reading \(agent) and the relay's socket."
    if let profile = profile(of: program) { notes.append("AppArmor has a profile for it, \(profile.quoted). \(allowance)") }
    // A process starts others under its own profile, unless that says something else.
    if let own = word("/proc/self/attr/current"), own.hasSuffix("(enforce)") {
      notes.append("AppArmor confines this very process (\(own.quoted)), and so the program. \(allowance)")
    }
    if word("/sys/fs/selinux/enforce") == "1" {
      notes.append("SELinux enforces its policy. Where the program gets a domain of its own, ld.so ignores LD_PRELOAD (AT_SECURE).")
    }
    return notes
  }

  /// A line is `name (mode)`; of most profiles the name is the program's path. Only root may read them.
  private func profile(of program: ByteString) -> ByteString? {
    guard let file = OpenFile(root + "/sys/kernel/security/apparmor/profiles") else { return nil }
    let lines = ByteString(file.contents).split("\n")
    return lines.first { $0.hasSuffix(" (enforce)") && $0.hasPrefix(program + " ") }
  }

  private func word(_ path: ByteString) -> ByteString? {
    guard let file = OpenFile(root + path) else { return nil }
    let text = file.contents.prefix { $0 != 0 && $0 != 0x0a }
    return text.isEmpty ? nil : ByteString(text)
  }
}

extension OpenFile {
  /// All of it, up to 1 MiB: files of /proc and /sys have no size and come in pieces.
  fileprivate var contents: [UInt8] {
    var all: [UInt8] = []
    while all.count < 1 << 20 {
      let piece = read(UInt64(all.count), 1 << 16)
      guard !piece.isEmpty else { break }
      all += piece
    }
    return all
  }
}

extension ByteString {
  fileprivate func hasSuffix(_ suffix: ByteString) -> Bool { bytes.suffix(suffix.bytes.count).elementsEqual(suffix.bytes) }
}
