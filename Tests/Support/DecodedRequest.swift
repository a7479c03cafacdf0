import OTLPWire

/// An `ExportTraceServiceRequest`, decoded as far as the tests look at it.
package struct DecodedRequest: Equatable {
  package struct Span: Equatable {
    package var name = ""
    package var end: UInt64 = 0
    package var attributes: [String: String] = [:]
    package var droppedAttributes: UInt64 = 0
    package var statusCode: UInt64 = 0
  }
  package struct Scope: Equatable {
    package var name = ""
    package var version = ""
    package var schemaURL = ""
    package var spans: [Span] = []
  }
  package struct Resource: Equatable {
    package var attributes: [String: String] = [:]
    package var schemaURL = ""
    package var scopes: [Scope] = []
  }

  package var resources: [Resource] = []
  package var isMalformed = false
  package var spans: [Span] { resources.flatMap { $0.scopes.flatMap(\.spans) } }
  package var spanNames: [String] { spans.map(\.name) }

  package init(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { all in
      fields(all) { request, field, value in
        guard field == 1, case .bytes(let bytes) = value else { return request.isMalformed = true }
        let resource = request.resource(bytes)
        request.resources.append(resource)
      }
    }
  }

  /// One span, as it is in a region.
  package static func span(_ bytes: [UInt8]) -> Span {
    var request = DecodedRequest([])
    return bytes.withUnsafeBytes { request.span($0) }
  }

  private mutating func fields(_ bytes: UnsafeRawBufferPointer, _ body: (inout DecodedRequest, UInt64, MessageReader.Value) -> Void) {
    var reader = MessageReader(bytes)
    while let (field, value) = reader.next() { body(&self, field, value) }
    if reader.isMalformed { isMalformed = true }
  }

  private static func text(_ value: MessageReader.Value) -> String {
    guard case .bytes(let bytes) = value else { return "" }
    return String(decoding: bytes, as: UTF8.self)
  }

  private mutating func resource(_ bytes: UnsafeRawBufferPointer) -> Resource {
    var resource = Resource()
    fields(bytes) { request, field, value in
      switch (field, value) {
      case (1, .bytes(let inner)):
        request.fields(inner) { request, field, value in
          if field == 1, case .bytes(let pair) = value { request.attribute(pair, into: &resource.attributes) }
        }
      case (2, .bytes(let bytes)): resource.scopes.append(request.scope(bytes))
      case (3, _): resource.schemaURL = Self.text(value)
      default: request.isMalformed = true
      }
    }
    return resource
  }

  private mutating func scope(_ bytes: UnsafeRawBufferPointer) -> Scope {
    var scope = Scope()
    fields(bytes) { request, field, value in
      switch (field, value) {
      case (1, .bytes(let inner)):
        request.fields(inner) { _, field, value in
          if field == 1 { scope.name = Self.text(value) } else if field == 2 { scope.version = Self.text(value) }
        }
      case (2, .bytes(let bytes)): scope.spans.append(request.span(bytes))
      case (3, _): scope.schemaURL = Self.text(value)
      default: request.isMalformed = true
      }
    }
    return scope
  }

  private mutating func span(_ bytes: UnsafeRawBufferPointer) -> Span {
    var span = Span()
    fields(bytes) { request, field, value in
      switch (field, value) {
      case (5, _): span.name = Self.text(value)
      case (8, .fixed64(let time)): span.end = time
      case (9, .bytes(let pair)): request.attribute(pair, into: &span.attributes)
      case (10, .varint(let count)): span.droppedAttributes = count
      case (15, .bytes(let status)):
        request.fields(status) { _, field, value in if field == 3, case .varint(let code) = value { span.statusCode = code } }
      default: break
      }
    }
    return span
  }

  private mutating func attribute(_ bytes: UnsafeRawBufferPointer, into attributes: inout [String: String]) {
    var key = ""
    var found = ""
    fields(bytes) { request, field, value in
      if field == 1 { key = Self.text(value) }
      guard field == 2, case .bytes(let any) = value else { return }
      request.fields(any) { _, field, value in
        if field == 1 { found = Self.text(value) }
        if case .varint(let number) = value { found = String(Int64(bitPattern: number)) }
      }
    }
    attributes[key] = found
  }
}
