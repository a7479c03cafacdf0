import COTelShims
import OTLPWire
import OTelConfiguration
import OTelPrimitives
import OTelSDK

@testable import OTelConfigurator
@testable import OTelExport
@testable import OTelReceiver

private struct Pair: Equatable {
  var key: [UInt8], value: [UInt8]
}

/// nil: a `%` without its two digits.
private func decoded(_ bytes: [UInt8]) -> [UInt8]? {
  var result: [UInt8] = []
  var rest = bytes[...]
  while let byte = rest.popFirst() {
    guard byte == 0x25 else { result.append(byte); continue }
    let digits = rest.prefix(2)
    guard digits.count == 2, digits.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || UInt8(ascii: "a")...UInt8(ascii: "f") ~= $0 | 0x20 }),
      let number = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
    else { return nil }
    result.append(number)
    rest = rest.dropFirst(2)
  }
  return result
}

/// The members, decoded; nil for one that is malformed.
private func members(_ bytes: [UInt8]) -> [Pair?] {
  bytes.split(separator: 0x2c).map(\.trimmed).filter { !$0.isEmpty }.map { member in
    guard let equals = member.firstIndex(of: 0x3d), let key = decoded(member[..<equals].trimmed), !key.isEmpty,
      let value = decoded(member[(equals + 1)...].trimmed)
    else { return nil }
    return Pair(key: key, value: value)
  }
}

/// Later pairs replace earlier ones.
private func attributes(_ members: [Pair?]) -> [Pair]? {
  var result: [Pair] = []
  for member in members {
    guard let member, member.key.isUTF8, member.value.isUTF8 else { return nil }
    result.removeAll { $0.key == member.key }
    result.append(member)
  }
  return result
}

/// `key=value,key=value`: resource attributes, as the host and the relay read them, and headers. The first two bytes say how much memory the
/// host has for them.
func pairs(_ input: UnsafeRawBufferPointer) {
  var pieces = Pieces(input)
  let capacity = Int(pieces.number(2)) % 4200
  let list = Array(pieces.rest.prefix { $0 != 0 })
  let members = members(list)
  withCopy(list) { text in
    var found: [Pair?] = []
    var reader = KeyValueList(text)
    while let member = reader.next() {
      guard case .pair(let key, let value) = member else { found.append(nil); continue }
      check(PercentEncoding.isValid(key) && PercentEncoding.isValid(value), "a pair that cannot be decoded")
      found.append(Pair(key: PercentEncoding.decoded(key) ?? [], value: PercentEncoding.decoded(value) ?? []))
    }
    checkEqual(found, members)
    let expected = attributes(members)
    checkEqual(ProcessIdentity.parseAttributes(text)?.map { Pair(key: Array($0.key.utf8), value: Array($0.value.utf8)) }, expected, "in the relay")
    headers(text, members)
  }
  resource(list, attributes(members), capacity)
}

private func headers(_ text: Text, _ members: [Pair?]) {
  var problems: [InvalidSetting] = []
  let found = OTLPHeaders.parse(text, variable: "HEADERS", problems: &problems)
  let token = Set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
  for header in found {
    check(!header.name.isEmpty && header.name.utf8.allSatisfy(token.contains), "the name \(header.name)")
    check(header.value.utf8.allSatisfy { $0 == 9 || $0 >= 0x20 && $0 != 0x7f }, "the value \(header.value.debugDescription)")
  }
  checkEqual(Set(found.map { $0.name.lowercased() }).count, found.count, "headers of different names")
  check(found.count + problems.count <= members.count && problems.count >= members.filter { $0 == nil }.count, "\(problems.count) problems")
  // The names are not decoded.
  for member in members.compactMap({ $0 }) where !text.array.contains(0x25) && member.key.allSatisfy(token.subtracting([0x25]).contains) {
    let isSendable = member.value.isUTF8 && member.value.allSatisfy { $0 == 9 || $0 >= 0x20 && $0 != 0x7f }
    let name = String(decoding: member.key, as: UTF8.self).lowercased()
    if isSendable { check(found.contains { $0.name.lowercased() == name }, "\(name) is left out") }
  }
}

/// What the host writes into memory that may be too small, read back.
private func resource(_ list: [UInt8], _ expected: [Pair]?, _ capacity: Int) {
  withCopy(Array("OTEL_RESOURCE_ATTRIBUTES=".utf8) + list + [0]) { text in
    let memory = UnsafeMutableRawPointer.allocate(byteCount: max(1, capacity), alignment: 1)
    defer { memory.deallocate() }
    let environment = EnvironmentBlock(text)
    var maker = ResourceAttributes(environment, storage: memory, capacity: capacity)
    let resource = maker.resource(environment, otel_region_request())
    check(resource.attributes.count <= capacity, "more bytes than there are")
    var found: [Pair] = []
    var reader = MessageReader(UnsafeRawBufferPointer(start: resource.attributes.start, count: resource.attributes.count))
    while let (field, value) = reader.next() {
      guard field == 1, case .bytes(let bytes) = value, let pair = pair(bytes) else { return check(false, "no attribute in field \(field)") }
      found.append(pair)
    }
    check(!reader.isMalformed, "the resource is malformed")
    checkEqual(Set(found.map(\.key)).count, found.count, "attributes of different names")
    let users = expected?.filter { $0.key != Array("service.name".utf8) } ?? []
    let size = users.reduce(0) { $0 + $1.key.count + $1.value.count + 24 } + 1024
    if size < capacity { checkEqual(Array(found.suffix(users.count)), users, "in the host") }
    for pair in found.suffix(max(0, found.count - 12)) { check(users.contains(pair), "\(pair) is nobody's") }
  }
}

private func pair(_ bytes: UnsafeRawBufferPointer) -> Pair? {
  var pair = Pair(key: [], value: [])
  var reader = MessageReader(bytes)
  while let (field, value) = reader.next() {
    guard case .bytes(let inner) = value else { return nil }
    if field == 1 { pair.key = Array(inner) }
    if field == 2 {
      var any = MessageReader(inner)
      guard let (field, value) = any.next(), field == 1, case .bytes(let string) = value else { return nil }
      pair.value = Array(string)
    }
  }
  return reader.isMalformed ? nil : pair
}
