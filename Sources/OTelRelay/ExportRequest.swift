import OTLPWire
import OTelReceiver
import OTelRegion

/// One `ExportTraceServiceRequest` and whose spans are in it: a `ResourceSpans` for each process, in it a `ScopeSpans` for each scope.
struct ExportRequest {
  /// Spans of one region, from the front of its queue.
  struct Part {
    let region: ServedRegion
    let spans: Int
  }

  let parts: [Part]
  let body: [UInt8]
  var spans: Int { parts.reduce(0) { $0 + $1.spans } }

  /// Bytes after which no more spans are added. Collectors take 4 MiB and more.
  static let enough = 4 << 20

  /// Takes spans from the front of `regions`, in order, up to the smallest batch size among those that take part.
  /// Nil when none has a span.
  init?(from regions: [ServedRegion]) {
    var parts: [Part] = []
    var limit = Int.max
    var total = 0
    var bytes = 0
    for region in regions where !region.queue.isEmpty {
      limit = min(limit, region.batch.maxExportBatchSize)
      var taken = 0
      while taken < region.queue.count, total + taken < limit, bytes < Self.enough {
        bytes += region.queue[taken].length
        taken += 1
      }
      guard taken > 0 else { break }
      parts.append(Part(region: region, spans: taken))
      total += taken
    }
    guard !parts.isEmpty else { return nil }
    self.parts = parts
    var message = MessageBuilder(capacity: bytes + parts.count * 1536)
    for part in parts { Self.append(part, to: &message) }
    body = message.bytes
  }

  private static func append(_ part: Part, to message: inout MessageBuilder) {
    let queue = part.region.queue
    // The scopes in order of appearance, with the bytes of their spans. There are few: a linear search.
    var scopes: [(tag: RecordTag, bytes: Int)] = []
    for index in 0..<part.spans {
      let entry = queue[index]
      if let found = scopes.firstIndex(where: { $0.tag == entry.tag }) {
        scopes[found].bytes += entry.length
      } else {
        scopes.append((entry.tag, entry.length))
      }
    }
    let heads = scopes.map { scopeHead($0.tag) }
    var length = part.region.resource.count + schemaURL.count
    for (scope, head) in zip(scopes, heads) {
      let content = head.count + scope.bytes + schemaURL.count
      length += 1 + MessageBuilder.varintLength(content) + content
    }
    message.append(field: 1, headOfLength: length)
    message.append(raw: part.region.resource)
    for (scope, head) in zip(scopes, heads) {
      message.append(field: 2, headOfLength: head.count + scope.bytes + schemaURL.count)
      message.append(raw: head)
      queue.appendSpans(tag: scope.tag, first: part.spans, to: &message)
      message.append(raw: schemaURL)
    }
    message.append(raw: schemaURL)
  }

  /// Field 3 of both `ResourceSpans` and `ScopeSpans`.
  private static let schemaURL: [UInt8] = {
    var message = MessageBuilder()
    message.append(field: 3, string: Product.schemaURL)
    return message.bytes
  }()

  /// Field `scope` of `ScopeSpans`. The scope is known: the reader lets no other in.
  private static func scopeHead(_ tag: RecordTag) -> [UInt8] {
    var message = MessageBuilder()
    message.append(field: 1) { scope in
      scope.append(field: 1, string: tag.scope.map { "\($0.name)" } ?? "")
      scope.append(field: 2, string: Product.version)
    }
    return message.bytes
  }
}
