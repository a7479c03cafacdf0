public import OTelPrimitives

/// The instrumentations, and who switches them on and off. Every list of them is made from this one.
public enum Instrumentation: Sendable, CaseIterable {
  case curl, sockets, unixSockets, dns

  /// As users write it.
  public var name: StaticString {
    switch self {
    case .curl: "curl"
    case .sockets: "sockets"
    case .unixSockets: "unix_sockets"
    case .dns: "dns"
    }
  }

  public var switchVariable: StaticString {
    switch self {
    case .curl: "OTEL_INSTRUMENTATION_CURL_ENABLED"
    case .sockets: "OTEL_INSTRUMENTATION_SOCKETS_ENABLED"
    case .unixSockets: "OTEL_INSTRUMENTATION_UNIX_SOCKETS_ENABLED"
    case .dns: "OTEL_INSTRUMENTATION_DNS_ENABLED"
    }
  }

  /// What its switch does, for users.
  public var help: StaticString {
    switch self {
    case .curl: "Whether requests over libcurl are traced. true wins over the default for all; false wins over everything."
    case .sockets: "The same of connects."
    case .unixSockets:
      "The same of connects to Unix sockets, a part of sockets. Unless true, or named in the list of those that are enabled, only those that have a parent."
    case .dns: "The same of look-ups of names."
    }
  }

  /// Whether it is on. Never allocates.
  ///
  /// The first of these that is set decides whether it may be on: the list of those that are enabled, its own switch, the default for all. Whoever says
  /// "off" by name wins all the same: its own switch with `false`, and the list of those that are disabled.
  public func isEnabled(in environment: EnvironmentBlock) -> Bool {
    guard !isLeftOut(in: environment) else { return false }
    // A part of them.
    if case .unixSockets = self, Instrumentation.sockets.isLeftOut(in: environment) { return false }
    let own = environment.value(switchVariable).map { ValueParser.boolean($0) ?? false }
    let all = environment.value("OTEL_INSTRUMENTATION_COMMON_DEFAULT_ENABLED").map { ValueParser.boolean($0) ?? false } ?? true
    return environment.value("OTEL_NATIVE_ENABLED_INSTRUMENTATIONS").flatMap { names($0) } ?? own ?? all
  }

  private func isLeftOut(in environment: EnvironmentBlock) -> Bool {
    if let own = environment.value(switchVariable), ValueParser.boolean(own) != true { return true }
    return environment.value("OTEL_NATIVE_DISABLED_INSTRUMENTATIONS").flatMap { names($0) } ?? false
  }

  /// Whether somebody asks for it by name, of whom it would not be expected otherwise. Never allocates.
  public func isNamed(in environment: EnvironmentBlock) -> Bool {
    if environment.value(switchVariable).flatMap({ ValueParser.boolean($0) }) == true { return true }
    return environment.value("OTEL_NATIVE_ENABLED_INSTRUMENTATIONS").flatMap { names($0) } == true
  }

  /// Whether `list` names it; nil when the list names none that is known.
  private func names(_ list: Text) -> Bool? {
    var items = ListItems(list)
    var names: Bool?
    while let item = items.next() {
      if item.equalsIgnoringCase(name) || item.equals("*") { return true }
      if Self.isKnown(item) { names = false }
    }
    return names
  }

  private static func isKnown(_ item: Text) -> Bool {
    item.equalsIgnoringCase(Instrumentation.curl.name) || item.equalsIgnoringCase(Instrumentation.sockets.name)
      || item.equalsIgnoringCase(Instrumentation.unixSockets.name) || item.equalsIgnoringCase(Instrumentation.dns.name)
  }
}
