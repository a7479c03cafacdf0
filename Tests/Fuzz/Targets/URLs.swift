import OTelConfiguration
import OTelExport
import OTelPrimitives

@testable import OTelInstrumentation

/// The URL of a collector.
func endpoint(_ input: UnsafeRawBufferPointer) {
  let text = Text(input)
  let bytes = text.array
  let shown = EndpointURL.redacted(text)
  check(shown.isPlainLine && shown.utf8.first == 0x22 && shown.utf8.count <= 700, "a message that is no line: \(shown.debugDescription)")
  // Whatever stands where users, passwords and queries stand does not show: in front of an "@", behind a "?".
  let authority = bytes.firstIndex(of: 0x2f).map { $0 + 1 < bytes.count && bytes[$0 + 1] == 0x2f ? $0 + 2 : 0 } ?? 0
  let at = bytes.lastIndex(of: 0x40) ?? 0
  let mark = bytes.firstIndex(of: 0x3f) ?? bytes.count
  let other = bytes.enumerated().map { index, byte in index >= authority && index < at || index > mark ? disguise([byte])[0] : byte }
  withCopy(other) { checkEqual(EndpointURL.redacted($0), shown, "what is shown of another secret") }

  guard let url = EndpointURL(text) else {
    check(OTLPEndpoint(signal: Text("")) == nil, "an empty endpoint")
    return
  }
  let scheme = url.isSecure ? 8 : 7
  checkEqual(url.authority.array + url.path.array + url.query.array, Array(bytes.dropFirst(scheme).prefix { $0 != 0x23 }))
  check(bytes.allSatisfy { (0x21...0x7e).contains($0) }, "a space or a control character")
  check(url.path.isEmpty || url.path[0] == 0x2f, "the path \(url.path.array)")
  check(!url.host.isEmpty && !url.host.array.contains(0x40) && !url.authority.array.contains(0x2f), "the host \(url.host.array)")
  guard let base = OTLPEndpoint(base: text, appending: "v1/traces"), let signal = OTLPEndpoint(signal: text) else {
    return check(false, "the exporter does not take it")
  }
  for endpoint in [base, signal] {
    check(endpoint.displayURL.isPlainLine && !endpoint.displayURL.contains("?"), "\(endpoint.displayURL) is shown")
    let taken = withCopy(Array(endpoint.url.utf8)) { EndpointURL($0).map { ($0.authority.array, $0.isSecure) } }
    check(taken?.0 == url.authority.array && taken?.1 == url.isSecure, "\(endpoint.url) is another server")
    let host = withCopy(Array(endpoint.displayURL.utf8)) { EndpointURL($0)?.authority.array }
    checkEqual(host, url.host.array, "the server that is shown")
  }
  check(base.url.hasSuffix("/v1/traces"), base.url)
}

private let exactly = ["sig", "Signature", "AWSAccessKeyId", "X-Amz-Signature", "X-Amz-Credential", "X-Goog-Signature", "X-Amz-Security-Token"]
private let inAnyCase = [
  "key", "jwt", "code", "auth", "pass", "token", "passwd", "secret", "apikey", "api_key", "api-key", "password", "id_token", "access_token",
  "refresh_token", "client_secret", "authorization",
]

private func isSecret(_ key: [UInt8]) -> Bool {
  var plain: [UInt8] = []
  var rest = key[...]
  while let byte = rest.popFirst() {
    let digits = rest.prefix(2)
    if byte == 0x25, digits.count == 2, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit && $0 < 0x80 }) {
      plain.append(UInt8(String(decoding: digits, as: UTF8.self), radix: 16)!)
      rest = rest.dropFirst(2)
    } else {
      plain.append(byte)
    }
  }
  let lowercased = plain.lowercased
  return exactly.contains { Array($0.utf8) == plain } || inAnyCase.contains { Array($0.utf8) == lowercased } || lowercased.starts(with: "session".utf8)
}

/// `URLRedaction` written down once more: parts first, then put together.
private func reference(_ url: [UInt8], authority: Int) -> [UInt8] {
  var result = Array(url[..<authority])
  let end = url[authority...].firstIndex { [0x2f, 0x3f, 0x23].contains($0) } ?? url.count
  if let at = url[authority..<end].lastIndex(of: 0x40) {
    result += Array((url[authority..<at].contains(0x3a) ? "REDACTED:REDACTED@" : "REDACTED@").utf8) + url[(at + 1)..<end]
  } else {
    result += url[authority..<end]
  }
  var rest = url[end...]
  let path = rest.prefix { $0 != 0x3f && $0 != 0x23 }
  result += path
  rest = rest.dropFirst(path.count)
  while let separator = rest.popFirst() {
    result.append(separator)
    let pair = rest.prefix { ![0x26, 0x3b, 0x3f, 0x23].contains($0) }
    guard let equals = pair.firstIndex(of: 0x3d), isSecret(Array(pair[..<equals])) else {
      result += pair
      rest = rest.dropFirst(pair.count)
      continue
    }
    let whole = rest.prefix { $0 != 0x26 && $0 != 0x23 }
    result += whole[...equals] + (whole.endIndex > equals + 1 ? Array("REDACTED".utf8) : [])
    rest = rest.dropFirst(whole.count)
  }
  return result
}

private func redacted(_ url: [UInt8], capacity: Int) -> (bytes: [UInt8], parts: (authority: Int, hasScheme: Bool))? {
  withCopy(url) { text in
    guard let parts = RequestURL(text) else { return nil }
    check((1...65535).contains(parts.serverPort), "port \(parts.serverPort)")
    check(!parts.serverAddress.array.contains { [0x2f, 0x3f, 0x23].contains($0) }, "the host \(parts.serverAddress.array)")
    var hostStart = 0
    let bytes = written(capacity) { target in
      let result = URLRedaction.write(parts, to: target, capacity: capacity)
      hostStart = result.hostStart
      return result.count
    }
    if hostStart + parts.serverAddress.count <= bytes.count {
      checkEqual(Array(bytes[hostStart..<(hostStart + parts.serverAddress.count)]), parts.serverAddress.array, "the host in the URL")
    }
    return (bytes, (parts.authority, parts.hasScheme))
  }
}

/// Any bytes as a URL, against a second implementation. The first byte says how much room there is.
func url(_ input: UnsafeRawBufferPointer) {
  var pieces = Pieces(input)
  let capacity = Int(pieces.byte()) * 4
  let url = Array(pieces.rest)
  let longest = url.count * 9 + 64
  guard let whole = redacted(url, capacity: longest) else { return }
  let expected = (whole.parts.hasScheme ? [] : Array("http://".utf8)) + reference(Array(url.dropFirst(url.prefix { $0 <= 0x20 }.count)), authority: whole.parts.authority - url.prefix { $0 <= 0x20 }.count)
  check(whole.bytes == expected, "\(String(decoding: whole.bytes, as: UTF8.self)) instead of \(String(decoding: expected, as: UTF8.self))")
  if let again = redacted(whole.bytes, capacity: longest) { checkEqual(again.bytes, whole.bytes, "what is redacted twice") }
  // The user's own list of keys, with those that are known here, is as good as none.
  let keys = exactly.joined(separator: ", ")
  let listed = withCopy(url) { text in
    withCopy(Array(keys.utf8)) { keys in written(longest) { URLRedaction.write(RequestURL(text)!, to: $0, capacity: longest, keys: keys).count } }
  }
  if !url.lowercased.contains(sequence: [0x25]), inAnyCase.allSatisfy({ !url.lowercased.contains(sequence: Array($0.utf8)) }), !url.lowercased.contains(sequence: Array("session".utf8)) {
    checkEqual(listed, whole.bytes, "by a list of keys")
  }
  // What does not fit is left out, and nothing comes instead.
  checkEqual(redacted(url, capacity: capacity)?.bytes, Array(whole.bytes.prefix(capacity)), "what was cut")
}

/// URLs made of parts that hold a secret, each marked: the mark never shows.
func urlSecrets(_ input: UnsafeRawBufferPointer) {
  var pieces = Pieces(input)
  let mark = Array("C4n4ry".utf8)
  func filler(without excluded: String) -> [UInt8] { pieces.take(to: 0).filter { !Array(excluded.utf8).contains($0) } }
  let capacity = Int(pieces.number(2)) % 2048
  let shape = pieces.byte()
  var url = Array(["http://", "https://", "HTTP:/", "https:///", "", "//", " http://", "http://"][Int(shape & 7)].utf8)
  if shape & 8 != 0 {
    // In front of a name without a scheme, "x:/" would be one.
    url += filler(without: "/?#:") + mark + (shape & 16 != 0 ? [0x3a] + filler(without: "/?#") + mark : []) + [0x40]
  }
  url += filler(without: "/?#@") + [0x2f] + filler(without: "?#") + (shape & 32 != 0 ? [0x3f] : [0x23])
  while !pieces.isEmpty {
    let choice = Int(pieces.byte())
    if choice & 1 == 0 {
      url += filler(without: "=&;?#")
    } else {
      let names = exactly + inAnyCase + ["session", "SessionId"]
      let isFixed = choice / 2 % names.count < exactly.count
      for byte in names[choice / 2 % names.count].utf8 {
        switch pieces.byte() & 3 {
        case 0 where !isFixed && (0x61...0x7a).contains(byte | 0x20): url.append(byte ^ 0x20)
        case 1: url += Array("%\(byte < 16 ? "0" : "")\(String(byte, radix: 16, uppercase: choice & 128 != 0))".utf8)
        default: url.append(byte)
        }
      }
      url += [0x3d] + filler(without: "&#") + mark + filler(without: "&#")
    }
    url.append(0x26)
  }
  for room in [capacity, url.count * 9 + 64] {
    guard let result = redacted(url, capacity: room) else { return }
    check(!result.bytes.contains(sequence: mark), "\(String(decoding: url, as: UTF8.self)) becomes \(String(decoding: result.bytes, as: UTF8.self))")
    // The value of a header; there, what has no scheme and no slashes has no userinfo.
    if shape & 8 == 0 || result.parts.hasScheme {
      let reference = withCopy(url) { text in written(room) { URLRedaction.write(reference: text, to: $0, capacity: room) } }
      check(!reference.contains(sequence: mark), "\(String(decoding: url, as: UTF8.self)) becomes \(String(decoding: reference, as: UTF8.self))")
    }
  }
}
