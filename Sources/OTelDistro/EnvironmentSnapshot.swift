import COTelShims
import OTelAPI
import OTelConfiguration
import OTelPrimitives

/// Copies of what the agent needs of the environment, made before the program can change it. `getenv` is not safe later: other threads
/// may call `setenv`, and programs overwrite the original strings to set their title.
struct EnvironmentSnapshot {
  /// `OTEL_*`.
  private(set) var configuration: EnvironmentBlock
  /// False: there was more of it than there is room for, and what is missing may be who gets the spans.
  private(set) var isComplete = true
  /// `TRACEPARENT` and its like, in every format.
  private(set) var context = ContextFields()
  /// `UBERCTX_…` and its like: baggage in other formats than W3C's.
  private(set) var baggage: EnvironmentBlock
  private(set) var runtimeDirectory: UnsafePointer<CChar>?

  private static var capacity: Int { Int(OTEL_ENVIRONMENT_STORAGE) }

  /// - Parameter variables: `environ`. Reads it once; fills the static storage (`otel_environment_storage`, `otel_relay_variables`).
  ///   What does not fit is left out: of the configuration nothing may be (`isComplete`).
  init(_ variables: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) {
    let storage = UnsafeMutableRawPointer(otel_environment_storage()).assumingMemoryBound(to: UInt8.self)
    var used = 0
    var isComplete = true
    Self.forEach(variables) { entry in
      if entry.hasPrefix("OTEL_"), Self.append(entry, storage, &used) == nil { isComplete = false }
    }
    // The distribution's defaults, under the user's values.
    var index = 0
    while index < DistributionDefaults.count {
      if Self.append(Text(DistributionDefaults.entry(index)), storage, &used) == nil { isComplete = false }
      index &+= 1
    }
    configuration = EnvironmentBlock(Text(storage, count: used))
    baggage = EnvironmentBlock(Text(""))
    self.isComplete = isComplete

    let relay = otel_relay_variables()
    var count = 0
    var runtime: UnsafePointer<CChar>?
    Self.forEach(variables) { entry in
      guard RelayEnvironment.isKept(entry), count < Int(OTEL_RELAY_VARIABLES), !isFaulty("fault: relay takes one more variable"), let copy = Self.append(entry, storage, &used) else { return }
      let string = UnsafeMutableRawPointer(mutating: copy.start).assumingMemoryBound(to: CChar.self)
      relay[count] = string
      count &+= 1
      if entry.hasPrefix("XDG_RUNTIME_DIR=") { runtime = UnsafePointer(string + 16) }
    }
    relay[count] = nil
    runtimeDirectory = runtime
    context = Self.context(variables, storage, &used)
    let start = used
    Self.forEach(variables) { entry in if BaggageHeader.isOne(environment: entry) { _ = Self.append(entry, storage, &used) } }
    baggage = EnvironmentBlock(Text(storage + start, count: used &- start))
  }

  /// The first variable of a name counts, as for getenv(3).
  @inline(never)
  private static func context(
    _ variables: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>, _ storage: UnsafeMutablePointer<UInt8>, _ used: inout Int
  ) -> ContextFields {
    var fields = ContextFields()
    var amazon: Text?
    forEach(variables) { entry in
      if let field = ContextField.named(environment: entry) {
        if !fields.present.contains(field), let copy = append(entry, storage, &used) { fields.add(field, copy.from(field.name.count &+ 1)) }
      } else if entry.hasPrefix("_X_AMZN_TRACE_ID="), amazon == nil {
        // AWS Lambda's own name for it.
        amazon = append(entry, storage, &used)?.from(17)
      }
    }
    if let amazon, !fields.present.contains(.amznTraceID) { fields.add(.amznTraceID, amazon) }
    return fields
  }

  /// - Parameter variables: strings up to a null pointer: those of the environment, or a program's arguments.
  static func forEach(_ variables: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>, _ body: (Text) -> Void) {
    var next = variables
    while let entry = next.pointee {
      body(Text(cString: entry))
      next += 1
    }
  }

  /// Copies `entry` and a NUL; nil when it does not fit.
  private static func append(_ entry: Text, _ storage: UnsafeMutablePointer<UInt8>, _ used: inout Int) -> Text? {
    guard entry.count < capacity &- used, !isFaulty("fault: environment fits into its storage") else { return nil }
    let target = storage + used
    memcpy(target, entry.start, entry.count)
    target[entry.count] = 0
    used = used &+ entry.count &+ 1
    return Text(target, count: entry.count)
  }

  /// Whether `NAME=true`, read before anything is copied or could fail.
  static func isTrue(_ name: StaticString, in variables: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Bool {
    var found = false
    let name = Text(name)
    forEach(variables) { entry in
      if entry.count > name.count, entry[name.count] == 0x3d, entry.hasPrefix(name) {
        found = entry.from(name.count &+ 1).trimmed.equalsIgnoringCase("true")
      }
    }
    return found
  }
}
