package import OTelConfiguration
package import OTelInspection
import OTelPrimitives

/// How a variable is spelled as an option: without `OTEL_`, in lower case, with hyphens. `_` is read as `-`, as
/// `opentelemetry-instrument` of OpenTelemetry Python writes its options.
package enum OptionName {
  /// The spelling of `--help` first. OTEL_NATIVE_RELAY is `relay` and `native-relay`.
  package static func spellings(of variable: EnvironmentVariable) -> [ByteString] {
    let name = ByteString(Text(variable.name).from(5)).normalized
    return name.hasPrefix("native-") ? [ByteString(name.bytes.dropFirst(7)), name] : [name]
  }

  package static func normalized(_ option: ByteString) -> ByteString { ByteString(option.bytes.map { $0 == 0x5f ? 0x2d : $0 }) }
}

extension ByteString {
  fileprivate var normalized: ByteString {
    OptionName.normalized(ByteString(bytes.map { Text.lowercased($0) }))
  }
}
