import COTelShims
public import OTelPrimitives

/// Baggage as Jaeger and OpenTracing send it: each member as a header of its own, `uberctx-<key>` and `ot-baggage-<key>`.
///
/// Sources: https://www.jaegertracing.io/docs/1.76/architecture/sdks/#baggage,
/// https://github.com/opentracing/basictracer-python/blob/master/basictracer/text_propagator.py. Jaeger's values are percent-encoded, OpenTracing's are not.
public enum BaggageHeader: UInt8, Sendable {
  case jaeger, ottrace

  /// Nil: the format has no such headers.
  @inline(never)
  public init?(_ propagator: Propagator) {
    switch propagator {
    case .jaeger: self = .jaeger
    case .ottrace: self = .ottrace
    default: return nil
    }
  }

  private var prefix: Text {
    switch self {
    case .jaeger: Text("uberctx-")
    case .ottrace: Text("ot-baggage-")
    }
  }

  /// Of a variable of the environment, whose names are normalised (`ContextField.named(environment:)`).
  private var variable: Text {
    switch self {
    case .jaeger: Text("UBERCTX_")
    case .ottrace: Text("OT_BAGGAGE_")
    }
  }

  /// What Jaeger reads from whom has no other way to say it: `k=v,k=v` in one field.
  private static var allInOne: Text { Text("JAEGER_BAGGAGE=") }

  /// Whether a line of a libcurl header list is one, of any format.
  @inline(never)
  public static func isOne(header: Text) -> Bool {
    begins(header, BaggageHeader.jaeger.prefix) || begins(header, BaggageHeader.ottrace.prefix) || begins(header, Text("jaeger-baggage"))
  }

  private static func begins(_ line: Text, _ prefix: Text) -> Bool { line.slice(0, prefix.count).equalsIgnoringCase(prefix) }

  /// Whether an entry of the environment is one, of any format.
  @inline(never)
  public static func isOne(environment entry: Text) -> Bool {
    entry.hasPrefix(BaggageHeader.jaeger.variable) || entry.hasPrefix(BaggageHeader.ottrace.variable) || entry.hasPrefix(allInOne)
  }

  /// Adds what `entry` of the environment says in this format to the `count` bytes of baggage at `target`.
  /// - Parameter target: room for `Baggage.capacity` bytes.
  @inline(never)
  public func read(_ entry: Text, into target: UnsafeMutablePointer<UInt8>, count: inout Int) {
    if self == .jaeger, entry.hasPrefix(Self.allInOne) {
      let all = entry.from(Self.allInOne.count)
      Baggage.forEachMember(of: all) { key, value in Baggage.set(key, value, isEncoded: false, in: target, count: &count) }
      return
    }
    guard entry.hasPrefix(variable), let equals = entry.firstIndex(of: 0x3d) else { return }
    let name = entry.slice(variable.count, equals)
    // Longer names no header should have.
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 128) { key in
      guard let start = key.baseAddress, name.count > 0, name.count <= 128 else { return }
      var index = 0
      while index < name.count {
        let byte = name[index]
        // Header names have no case: their letters are lower ones wherever a server shows them. In an environment they are upper ones.
        guard byte &- 0x41 < 26 || byte &- 0x30 < 10 || byte == 0x5f else { return }
        start[index] = Text.lowercased(byte)
        index &+= 1
      }
      Baggage.set(Text(start, count: name.count), entry.from(equals &+ 1), isEncoded: self == .jaeger, in: target, count: &count)
    }
  }

  /// Writes a line of a libcurl header list for each member of `baggage`, a NUL behind each; returns how many bytes. A value that no header can have is left out.
  /// - Parameter target: room for `lineCapacity` bytes.
  @inline(never)
  public func write(_ baggage: Text, to target: UnsafeMutablePointer<UInt8>) -> Int {
    var next = target
    Baggage.forEachMember(of: baggage) { key, value in
      let start = next
      Self.append(prefix, &next)
      Self.append(key, &next)
      // `Name:` takes a header away, `Name;` sends an empty one (CURLOPT_HTTPHEADER(3)).
      Self.append(value.isEmpty ? Text(";") : Text(": "), &next)
      if self == .jaeger {
        Self.append(value, &next)
      } else if !Self.appendDecoded(value, &next) {
        next = start
        return
      }
      next[0] = 0
      next += 1
    }
    return next - target
  }

  /// 64 members, each with the longest prefix, a colon, a space and a NUL: in place of an equals sign and a comma.
  public static let lineCapacity = Baggage.capacity + 64 * 13

  private static func append(_ text: Text, _ next: inout UnsafeMutablePointer<UInt8>) {
    memcpy(next, text.start, text.count)
    next += text.count
  }

  private static func appendDecoded(_ value: Text, _ next: inout UnsafeMutablePointer<UInt8>) -> Bool {
    var index = 0
    while index < value.count {
      var byte = value[index]
      let digits = value.slice(index &+ 1, index &+ 3)
      if byte == 0x25, digits.count == 2, let number = Hexadecimal.number(digits) {
        byte = UInt8(truncatingIfNeeded: number)
        index &+= 2
      }
      guard byte >= 0x20, byte != 0x7f else { return false }
      next[0] = byte
      next += 1
      index &+= 1
    }
    return true
  }
}
