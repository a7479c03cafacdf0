import COTelShims
import OTelAPI
import OTelConfiguration
import OTelPrimitives
import OTelSDK

/// `OTEL_PROPAGATORS`, and what the environment gives the process to pass on (specification, context/env-carriers.md).
///
/// Runs once, in the ELF constructor. Writes the headers that are the same for every request into their static place (`otel_propagation_storage`).
struct PropagationSettings {
  private let environment: EnvironmentBlock

  init(_ environment: EnvironmentBlock) { self.environment = environment }

  /// - Parameter baggage: the environment's entries of other formats than W3C's (`BaggageHeader`).
  func configure(_ options: inout TracerOptions, _ context: ContextFields, _ baggage: EnvironmentBlock) {
    let propagators = Self.propagators(environment.value("OTEL_PROPAGATORS"))
    var propagation = Propagation(propagators)
    propagation.isReparenting = ValueParser.boolean(environment.value("OTEL_NATIVE_CURL_REPARENT") ?? Text("false")) ?? false
    let storage = otel_propagation_storage().assumingMemoryBound(to: UInt8.self)
    let behind = Text("tracestate: ").count &+ TraceState.capacity &+ 1
    if let found = propagators.extract(context) {
      options.processParent = found.context
      let start = Self.begin(Text("tracestate: "), at: storage)
      let count = found.isTraceContext ? TraceState.copy(context[.traceState], to: start) : 0
      if count != 0 {
        propagation.traceStateLine = Self.end(storage, start, count)
        options.traceState = Text(start, count: count)
      }
    }
    configureBaggage(&propagation, context[.baggage], baggage, storage + behind)
    options.propagation = propagation
  }

  /// Each format adds what it finds, and takes the place of what one before it found; then each passes all of it on.
  private func configureBaggage(
    _ propagation: inout Propagation, _ field: Text, _ entries: EnvironmentBlock, _ storage: UnsafeMutablePointer<UInt8>
  ) {
    let start = Self.begin(Text("baggage: "), at: storage)
    var count = 0
    var rest = propagation.propagators
    while let propagator = rest.next() {
      if propagator == .baggage { Baggage.add(field, to: start, count: &count) }
      guard let header = BaggageHeader(propagator) else { continue }
      var entries = entries.entries
      while let entry = entries.next() { header.read(entry, into: start, count: &count) }
    }
    guard count != 0 else { return }
    if propagation.propagators.contains(.baggage) { propagation.baggageLine = Self.end(storage, start, count) }
    let lines = start + (Baggage.capacity &+ 1)
    var used = 0
    rest = propagation.propagators
    while let propagator = rest.next() {
      if let header = BaggageHeader(propagator) { used &+= header.write(Text(start, count: count), to: lines + used) }
    }
    propagation.baggageHeaders = Text(lines, count: used)
  }

  /// Names in any case; one that is given twice counts once, where it was first. What is not known is left out, and `none` beside a known one too; when nothing is
  /// left, or nothing was said, the default holds.
  private static func propagators(_ list: Text?) -> Propagators {
    var (propagators, isNone) = (Propagators(), false)
    guard let list else { return .standard }
    var items = ListItems(list)
    while let item = items.next() {
      if let propagator = Propagator(item) { propagators.append(propagator) }
      if item.equalsIgnoringCase("none") { isNone = true }
    }
    return propagators.isEmpty && !isNone ? .standard : propagators
  }

  private static func begin(_ name: Text, at line: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    memcpy(line, name.start, name.count)
    return line + name.count
  }

  private static func end(_ line: UnsafeMutablePointer<UInt8>, _ start: UnsafeMutablePointer<UInt8>, _ count: Int) -> Text {
    start[count] = 0
    return Text(line, count: (start - line) &+ count)
  }
}
