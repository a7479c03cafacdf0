public import OTelPrimitives

/// What of a header must not leave the process, whoever asked for it.
public enum HeaderSecrecy {
  public static var mark: Text { Text("[REDACTED]") }

  /// Whether the values of the header `name`, in lower case, are redacted.
  ///
  /// Credentials are, always: that the header was there is told. What only looks like a secret by its name is, unless the user has named
  /// it in full: a pattern such as `x-.*` matches more than who wrote it thought of.
  public static func isSecret(_ name: Text, isNamed: Bool, redacted: PatternSet) -> Bool {
    if name.equals("authorization") || name.equals("proxy-authorization") || name.equals("cookie") || name.equals("set-cookie") { return true }
    if redacted.matchesPart(of: name) { return true }
    return !isNamed && looksSecret(name)
  }

  @inline(never)
  private static func looksSecret(_ name: Text) -> Bool {
    name.contains("auth") || name.contains("token") || name.contains("secret") || name.contains("pass") || name.contains("cookie")
      || name.contains("key") || name.contains("credential") || name.contains("signature") || name.contains("session")
  }

  /// Writes a value that is a URL, absolute or not, as `URLRedaction` leaves it. Returns the number of bytes.
  public static func writeURL(_ value: Text, to target: UnsafeMutablePointer<UInt8>, capacity: Int, keys: Text?) -> Int {
    // One that was not looked at to its end may be cut in its userinfo.
    guard value.count < Text.cStringLimit else { return 0 }
    return URLRedaction.write(reference: value, to: target, capacity: capacity, keys: keys)
  }

  /// Whether its value is a URL, which may carry credentials and signatures of its own.
  public static func isURL(_ name: Text) -> Bool { name.equals("referer") || name.equals("location") || name.equals("content-location") }
}
