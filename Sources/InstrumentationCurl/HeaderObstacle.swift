import OTelPrimitives

/// Why no header may be added to a request. Bits of `forbids_headers`; what a request's own headers say is `isSignature`.
enum HeaderObstacle {
  /// CURLHEADER_UNIFIED: ours would go to proxies too, in CONNECT.
  static var unified: UInt8 { 1 }
  /// CURLOPT_AWS_SIGV4: libcurl signs whatever is in the list.
  static var signature: UInt8 { 2 }
  /// CURLOPT_HTTPAUTH asks for the same.
  static var authentication: UInt8 { 4 }
  /// The URL carries a signature, or leads to a metadata service.
  static var url: UInt8 { 8 }
  /// The user has said to which hosts context is passed on: not to this one, or to one that is not known before the request.
  static var host: UInt8 { 16 }
  /// libcurl may follow a redirect, and the user wants no context to go along.
  static var redirect: UInt8 { 32 }

  /// The addresses where clouds give credentials and identity documents to whatever runs there: link-local ones, and Amazon's over IPv6. They are strict
  /// about headers, and no part of a trace.
  @inline(never)
  static func isMetadataService(_ host: Text) -> Bool {
    if host[0] == 0x31 { return host.hasPrefix("169.254.") && host[host.count &- 1] &- 0x30 < 10 }
    return host[0] | 0x20 == 0x66 && host.slice(0, 10).equalsIgnoringCase("fd00:ec2::")
  }

  /// Whether a line of the header list signs the request, or makes another program do so: then one more header may be refused, or be signed
  /// when it is sent again. Of `Authorization` those schemes that are known to cover headers.
  @inline(never)
  static func isSignature(_ line: Text) -> Bool {
    if isNamed(line, "signature:") || isNamed(line, "signature-input:") || isNamed(line, "digest:") { return true }
    guard isNamed(line, "authorization:") else { return false }
    let value = line.from(14).trimmed
    return isNamed(value, "aws4-") || isNamed(value, "aws ") || isNamed(value, "signature ") || isNamed(value, "hmac") || isNamed(value, "sharedkey")
      || isNamed(value, "goog4-") || isNamed(value, "oauth ") && value.contains("oauth_signature")
  }

  @inline(never)
  private static func isNamed(_ line: Text, _ name: StaticString) -> Bool {
    let name = Text(name)
    return line.slice(0, name.count).equalsIgnoringCase(name)
  }
}
