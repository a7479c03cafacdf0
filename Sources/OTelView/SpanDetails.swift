/// What is worth a look of a span's status and attributes, in a few words.
struct SpanDetails: Equatable {
  /// What went wrong; nil: nothing.
  var error: String?
  /// The response's status code.
  var code: String?
  /// Whom or what it was about, unless the name says it.
  var subject: String?
  /// What the name says it was about.
  var named: String?

  /// The first of these is the subject. Names of the semantic conventions 1.44.0.
  private static let subjects = [
    "url.full", "db.query.text", "rpc.method", "messaging.destination.name", "dns.question.name", "process.command_line", "process.command",
    "file.path",
  ]

  init(_ span: ViewedSpan) {
    let status = span.attributes["http.response.status_code"] ?? span.attributes["rpc.response.status_code"]
    let type = span.attributes["error.type"]
    if span.isError || type != nil {
      error = type ?? (span.statusMessage.isEmpty ? "error" : span.statusMessage)
      if type != nil, !span.statusMessage.isEmpty, span.statusMessage != type { error = "\(type ?? ""): \(span.statusMessage)" }
    }
    // The conventions repeat it as the error's type.
    code = status == type ? nil : status
    subject = Self.subjects.lazy.compactMap { span.attributes[$0] }.first { !$0.isEmpty }
    guard subject == nil, let peer = Self.peer(span) else { return }
    if span.name.hasSuffix(peer) { named = peer } else { subject = peer }
  }

  private static func peer(_ span: ViewedSpan) -> String? {
    for prefix in ["network.peer", "server"] {
      guard let address = span.attributes[prefix + ".address"], !address.isEmpty else { continue }
      guard let port = span.attributes[prefix + ".port"] else { return address }
      return address.utf8.contains(UInt8(ascii: ":")) ? "[\(address)]:\(port)" : "\(address):\(port)"
    }
    return nil
  }
}
