import OTLPWire

/// Makes the resource of a process: what is detected, under what the user says.
///
/// Source: semantic conventions, resource/README.md, process.md, host.md, os.md. Left out on purpose: process.command_args and
/// command_line may hold secrets; process.executable.path and working_directory are opt-in.
package struct ResourceBuilder {
  enum Value: Equatable {
    case string(String)
    case integer(Int64)
  }

  let host: HostResource

  package init(host: HostResource) { self.host = host }

  func attributes(_ identity: ProcessIdentity, instance: (UInt64, UInt64)) -> [(key: String, value: Value)] {
    var detected: [(key: String, value: Value)] = []
    func add(_ key: String, _ value: String?) {
      if let value, !value.isEmpty { detected.append((key, .string(value))) }
    }
    add("service.name", identity.serviceName)
    add("service.instance.id", Self.uuid(instance))
    add("telemetry.sdk.name", Product.name)
    add("telemetry.sdk.language", Product.language)
    add("telemetry.sdk.version", Product.version)
    add("telemetry.distro.name", Product.name)
    add("telemetry.distro.version", Product.version)
    if let processID = identity.processID { detected.append(("process.pid", .integer(Int64(processID)))) }
    add("process.executable.name", identity.executableName)
    add("process.command", identity.command)
    add("process.creation.time", identity.startTimeUnixNano.map(timestamp))
    add("process.owner", identity.userID.flatMap { host.userNames[$0] })
    add("host.name", identity.hostName)
    add("host.arch", identity.machine.map(HostResource.architecture))
    add("host.id", host.hostID)
    add("os.type", "linux")
    add("os.name", host.osName)
    add("os.version", host.osVersion ?? identity.kernelRelease)
    add("os.description", host.osDescription)

    let users = Set(identity.userAttributes.map(\.key))
    // An empty service.name of the user's is none (`ProcessIdentity.serviceName`).
    return detected.filter { $0.key == "service.name" || !users.contains($0.key) }
      + identity.userAttributes.filter { $0.key != "service.name" }.map { ($0.key, .string($0.value)) }
  }

  /// Field `resource` of `ResourceSpans`.
  package func encoded(_ identity: ProcessIdentity, instance: (UInt64, UInt64)) -> [UInt8] {
    var message = MessageBuilder(capacity: 1024)
    message.append(field: 1) { resource in
      for (key, value) in attributes(identity, instance: instance) {
        switch value {
        case .string(let text): resource.append(field: 1, attribute: key, text)
        case .integer(let number): resource.append(field: 1, attribute: key, number)
        }
      }
    }
    return message.bytes
  }

  /// RFC 9562, version 4: the host's 128 random bits, of which six become version and variant.
  static func uuid(_ words: (UInt64, UInt64)) -> String {
    let high = words.0 & ~0xf000 | 0x4000
    let low = words.1 & ~(3 << 62) | 1 << 63
    func hexadecimal(_ word: UInt64) -> String {
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }
    let digits = Array(hexadecimal(high) + hexadecimal(low))
    let groups = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32]
    return groups.map { String(digits[$0]) }.joined(separator: "-")
  }
}
