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
  }

  /// Writes at most `capacity` bytes to `target`. What does not fit is left out, and what was cut cannot be a
  /// secret's rest: values are dropped whole. Complexity: linear.
  public static func write(_ url: RequestURL, to target: UnsafeMutablePointer<UInt8>, capacity: Int) -> Written {
    var output = Output(next: target, room: capacity)
    if !url.hasScheme { output.put(Text("http://")) }
    let text = url.text
    output.put(text.slice(url.first, url.authority))
    if url.host > url.authority {
      let userinfo = text.slice(url.authority, url.host &- 1)
      output.put(mark)
      if userinfo.firstIndex(of: 0x3a) != nil {
        output.put(Text(":"))
        output.put(mark)
      }
      output.put(Text("@"))
    }
    let hostStart = output.written(from: target) &+ (url.address &- url.host)
    var start = url.path
    while start < text.count, text[start] != 0x3f, text[start] != 0x23 { start &+= 1 }
    output.put(text.slice(url.host, start))
    while start < text.count {
      output.put(text.slice(start, start &+ 1))
      start = writePair(text, from: start &+ 1, to: &output)
    }
    return Written(count: output.written(from: target), hostStart: hostStart)
  }

  /// Writes one `key=value` of a query or a fragment (where OAuth's implicit grant puts tokens); returns where it ends.
  ///
  /// A key may begin behind any separator that is in use: "&", ";", and "?" or "#" for the query of a fragment. A secret value ends only
  /// at what cannot be in it: "&" and "#".
  private static func writePair(_ text: Text, from start: Int, to output: inout Output) -> Int {
    var stop = start
    var equals = -1
    while stop < text.count, !isSeparator(text[stop]) {
      if equals < 0, text[stop] == 0x3d { equals = stop }
      stop &+= 1
    }
    guard equals >= 0, isSecret(text.slice(start, equals)) else {
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
    // A percent-encoded key may be any: decoding it here would be guessing what the server does.
    switch key.count {
    case 3: return key.equals("sig") || key.equalsIgnoringCase("key") || key.equalsIgnoringCase("jwt")
    case 4:
      return key.equalsIgnoringCase("code") || key.equalsIgnoringCase("auth") || key.equalsIgnoringCase("pass")
    case 5: return key.equalsIgnoringCase("token")
    case 6:
      return key.equalsIgnoringCase("passwd") || key.equalsIgnoringCase("secret") || key.equalsIgnoringCase("apikey")
    case 8:
      if key.equalsIgnoringCase("password") || key.equalsIgnoringCase("id_token") { return true }
    default: break
    }
    if key.equalsIgnoringCase("api_key") || key.equalsIgnoringCase("api-key") || key.equalsIgnoringCase("access_token") { return true }
    if key.equalsIgnoringCase("refresh_token") || key.equalsIgnoringCase("client_secret") || key.equalsIgnoringCase("authorization") {
      return true
    }
    if key.slice(0, 7).equalsIgnoringCase("session") { return true }
    return key.equals("AWSAccessKeyId") || key.equals("Signature") || key.equals("X-Amz-Signature") || key.equals("X-Amz-Credential")
      || key.equals("X-Amz-Security-Token") || key.equals("X-Goog-Signature")
  }
}
