import COTelShims
public import OTelPrimitives

/// `url.full` without what it must not hold: user names and passwords always; values of query keys that carry signatures (the
/// semantic conventions' list) or look like secrets. Nothing else is changed, nothing is re-encoded, keys and order stay.
///
/// Source: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span, `url.full`.
public enum URLRedaction {
  static var mark: Text { Text("REDACTED") }

  /// What was written, and where in it the host begins.
  public struct Written {
    public let count: Int
    public let hostStart: Int
    /// Whether a signature was among what was redacted: the request is one that was signed beforehand.
    public let isSigned: Bool
  }

  /// Writes at most `capacity` bytes to `target`. What does not fit is left out, and what was cut cannot be a
  /// secret's rest: values are dropped whole. Complexity: linear.
  /// - Parameter keys: a list that commas separate: the keys whose values are secret, instead of those that are known here; nil: these.
  public static func write(_ url: RequestURL, to target: UnsafeMutablePointer<UInt8>, capacity: Int, keys: Text? = nil) -> Written {
    var output = Output(next: target, room: capacity)
    if !url.hasScheme { output.put(Text("http://")) }
    let text = url.text
    output.put(text.slice(url.first, url.authority))
    if url.host > url.authority { writeUserinfo(text.slice(url.authority, url.host &- 1), to: &output) }
    let hostStart = output.written(from: target) &+ (url.address &- url.host)
    var start = url.path
    while start < text.count, text[start] != 0x3f, text[start] != 0x23 { start &+= 1 }
    output.put(text.slice(url.host, start))
    writePairs(text, from: start, keys, to: &output)
    return Written(count: output.written(from: target), hostStart: hostStart, isSigned: output.isSigned)
  }

  /// The same of any reference, of another scheme, or of none ("//host/path", "/path?sig=x": RFC 3986, section 4.1). Returns what was written.
  public static func write(reference text: Text, to target: UnsafeMutablePointer<UInt8>, capacity: Int, keys: Text? = nil) -> Int {
    if let url = RequestURL(text), url.hasScheme { return write(url, to: target, capacity: capacity, keys: keys).count }
    var output = Output(next: target, room: capacity)
    var path = end(of: text, from: 0)
    if text[path] == 0x2f, text[path &+ 1] == 0x2f {
      var authority = path
      while text[authority] == 0x2f { authority &+= 1 }
      path = end(of: text, from: authority)
      var host = path
      while host > authority, text[host &- 1] != 0x40 { host &-= 1 }
      output.put(text.slice(0, authority))
      if host > authority { writeUserinfo(text.slice(authority, host &- 1), to: &output) }
      output.put(text.slice(host, path))
    } else {
      output.put(text.slice(0, path))
    }
    var query = path
    while query < text.count, text[query] != 0x3f, text[query] != 0x23 { query &+= 1 }
    output.put(text.slice(path, query))
    writePairs(text, from: query, keys, to: &output)
    return output.written(from: target)
  }

  /// Where a scheme or an authority that begins at `start` ends.
  private static func end(of text: Text, from start: Int) -> Int {
    var end = start
    while end < text.count, text[end] != 0x2f, text[end] != 0x3f, text[end] != 0x23 { end &+= 1 }
    return end
  }

  private static func writeUserinfo(_ userinfo: Text, to output: inout Output) {
    output.put(mark)
    if userinfo.firstIndex(of: 0x3a) != nil {
      output.put(Text(":"))
      output.put(mark)
    }
    output.put(Text("@"))
  }

  /// What follows the path, of which the byte at `start` separates it.
  private static func writePairs(_ text: Text, from start: Int, _ keys: Text?, to output: inout Output) {
    var start = start
    while start < text.count {
      output.put(text.slice(start, start &+ 1))
      start = writePair(text, from: start &+ 1, keys, to: &output)
    }
  }

  /// Writes one `key=value` of a query or a fragment (where OAuth's implicit grant puts tokens); returns where it ends.
  ///
  /// A key may begin behind any separator that is in use: "&", ";", and "?" or "#" for the query of a fragment. A secret value ends only
  /// at what cannot be in it: "&" and "#".
  private static func writePair(_ text: Text, from start: Int, _ keys: Text?, to output: inout Output) -> Int {
    var stop = start
    var equals = -1
    while stop < text.count, !isSeparator(text[stop]) {
      if equals < 0, text[stop] == 0x3d { equals = stop }
      stop &+= 1
    }
    // Also where the user's list has other keys.
    if equals >= 0, isSignatureName(text.slice(start, equals)) { output.isSigned = true }
    guard equals >= 0, keys.map({ isListed(text.slice(start, equals), in: $0) }) ?? isSecret(text.slice(start, equals)) else {
      output.put(text.slice(start, stop))
      return stop
    }
    while stop < text.count, text[stop] != 0x26, text[stop] != 0x23 { stop &+= 1 }
    output.put(text.slice(start, equals &+ 1))
    if stop > equals &+ 1 { output.put(mark) }
    return stop
  }

  private static func isSeparator(_ byte: UInt8) -> Bool { byte == 0x26 || byte == 0x3b || byte == 0x3f || byte == 0x23 }

  /// Room that something fits into, or is cut at.
  private struct Output {
    var next: UnsafeMutablePointer<UInt8>
    var room: Int
    var isSigned = false

    @inline(__always)
    mutating func put(_ text: Text) {
      let count = text.count < room ? text.count : room
      memcpy(next, text.start, count)
      next += count
      // Once something did not fit, nothing behind it is written either.
      room = count == text.count ? room &- count : 0
    }

    func written(from start: UnsafeMutablePointer<UInt8>) -> Int { next - start }
  }

  /// Whether values of `key` are redacted.
  static func isSecret(_ key: Text) -> Bool {
    guard key.firstIndex(of: 0x25) != nil else { return isSecretName(key) }
    // What servers do first with a key is to decode it, once (RFC 3986, section 2.4). Of a long one the beginning is enough.
    var decoded: (UInt64, UInt64, UInt64) = (0, 0, 0)
    return withUnsafeMutableBytes(of: &decoded) { buffer in
      guard let target = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return false }
      var (count, index) = (0, 0)
      while index < key.count, count < 24 {
        let (high, low) = (digit(key[index &+ 1]), digit(key[index &+ 2]))
        let isEscape = key[index] == 0x25 && high | low < 16
        target[count] = isEscape ? high &<< 4 | low : key[index]
        count &+= 1
        index &+= isEscape ? 3 : 1
      }
      return isSecretName(Text(target, count: count))
    }
  }

  /// Whether `key`, decoded once, is in `list`; case counts.
  @inline(never)
  private static func isListed(_ key: Text, in list: Text) -> Bool {
    var items = ListItems(list)
    while let item = items.next() {
      var (index, matched) = (0, 0)
      while index < key.count {
        let (high, low) = (digit(key[index &+ 1]), digit(key[index &+ 2]))
        let isEscape = key[index] == 0x25 && high | low < 16
        guard matched < item.count, item[matched] == (isEscape ? high &<< 4 | low : key[index]) else { break }
        index &+= isEscape ? 3 : 1
        matched &+= 1
      }
      if index >= key.count, matched == item.count { return true }
    }
    return false
  }

  /// Of a hexadecimal digit its value; 255 for another byte.
  @inline(never)
  private static func digit(_ byte: UInt8) -> UInt8 {
    let letter = byte | 0x20
    return byte &- 0x30 < 10 ? byte &- 0x30 : letter &- 0x61 < 6 ? letter &- 0x57 : 0xff
  }

  @inline(never)
  private static func isSecretName(_ key: Text) -> Bool {
    switch key.count {
    case 3: if isExactly(key, Text("sig")) || isNamed(key, Text("key")) || isNamed(key, Text("jwt")) { return true }
    case 4: if isNamed(key, Text("code")) || isNamed(key, Text("auth")) || isNamed(key, Text("pass")) { return true }
    case 5: if isNamed(key, Text("token")) { return true }
    case 6: if isNamed(key, Text("passwd")) || isNamed(key, Text("secret")) || isNamed(key, Text("apikey")) { return true }
    case 7: if isNamed(key, Text("api_key")) || isNamed(key, Text("api-key")) { return true }
    case 8: if isNamed(key, Text("password")) || isNamed(key, Text("id_token")) { return true }
    case 9: if isExactly(key, Text("Signature")) { return true }
    case 12: if isNamed(key, Text("access_token")) { return true }
    case 13: if isNamed(key, Text("refresh_token")) || isNamed(key, Text("client_secret")) || isNamed(key, Text("authorization")) { return true }
    case 14: if isExactly(key, Text("AWSAccessKeyId")) { return true }
    case 15: if isExactly(key, Text("X-Amz-Signature")) { return true }
    case 16: if isExactly(key, Text("X-Amz-Credential")) || isExactly(key, Text("X-Goog-Signature")) { return true }
    case 20: if isExactly(key, Text("X-Amz-Security-Token")) { return true }
    default: break
    }
    return isNamed(key.slice(0, 7), Text("session"))
  }

  /// Of Amazon's, Google's and Azure's URLs that are signed beforehand. Asked of secret keys alone.
  @inline(never)
  private static func isSignatureName(_ key: Text) -> Bool {
    isNamed(key, Text("sig")) || isNamed(key, Text("X-Amz-Signature")) || isNamed(key, Text("X-Goog-Signature")) || isExactly(key, Text("Signature"))
  }

  // Out of line: inlined, these made 3 kB of the agent.
  @inline(never)
  private static func isNamed(_ key: Text, _ name: Text) -> Bool { key.equalsIgnoringCase(name) }
  @inline(never)
  private static func isExactly(_ key: Text, _ name: Text) -> Bool {
    guard key.count == name.count else { return false }
    var index = 0
    while index < key.count, key[index] == name[index] { index &+= 1 }
    return index == key.count
  }
}
