/// What otelagent sets where its user has not, as every distribution of OpenTelemetry may. In hosts and in the launcher: never allocates.
public enum DistributionDefaults {
  public static var count: Int { 2 }

  /// `NAME=value`; empty beyond `count`.
  public static func entry(_ index: Int) -> StaticString {
    switch index {
    case 0: "OTEL_TRACES_EXPORTER=otlp"
    case 1: "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
    default: ""
    }
  }
}
