/// One parser with what must be true of its answers, whatever it is given.
struct FuzzTarget: Sendable {
  let name: String
  /// - Parameter input: one byte behind it is poisoned.
  let run: @Sendable (UnsafeRawBufferPointer) -> Void

  static let all = [
    FuzzTarget(name: "traceparent", run: traceParent),
    FuzzTarget(name: "tracestate", run: traceState),
    FuzzTarget(name: "baggage", run: baggage),
    FuzzTarget(name: "baggage-header", run: baggageHeader),
    FuzzTarget(name: "b3", run: b3),
    FuzzTarget(name: "jaeger", run: jaeger),
    FuzzTarget(name: "xray", run: xray),
    FuzzTarget(name: "ottrace", run: ottrace),
    FuzzTarget(name: "context-field", run: contextField),
    FuzzTarget(name: "values", run: values),
    FuzzTarget(name: "environment", run: environment),
    FuzzTarget(name: "pairs", run: pairs),
    FuzzTarget(name: "endpoint", run: endpoint),
    FuzzTarget(name: "url", run: url),
    FuzzTarget(name: "url-secrets", run: urlSecrets),
    FuzzTarget(name: "pattern", run: pattern),
    FuzzTarget(name: "peer", run: peer),
    FuzzTarget(name: "loaded-object", run: loadedObject),
    FuzzTarget(name: "elf-file", run: elfFile),
    FuzzTarget(name: "loader-cache", run: loaderCache),
    FuzzTarget(name: "region", run: region),
    FuzzTarget(name: "identity", run: identity),
    FuzzTarget(name: "span", run: span),
    FuzzTarget(name: "console", run: console),
    FuzzTarget(name: "response", run: response),
    FuzzTarget(name: "collector", run: collector),
    FuzzTarget(name: "preload", run: preload),
    FuzzTarget(name: "terminal", run: terminal),
    FuzzTarget(name: "message", run: message),
  ]

  static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }
}
