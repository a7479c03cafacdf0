/// One environment variable that configures the agent, as the one table declares it (`EnvironmentVariable.table`).
///
/// The launcher's options, its `--help`, the check of values and the list in the README are all made from the table. The agent reads
/// its few variables by name with `EnvironmentBlock` and `ValueParser`; nothing in a host reads the table.
public struct EnvironmentVariable: Sendable {
  public let name: StaticString
  public let group: Group
  public let kind: Kind
  /// What applies when the variable is unset or empty, as a user would write it; empty: there is no default.
  public let defaultText: StaticString
  /// One sentence or two without markup.
  public let help: StaticString
  public let support: Support
  public let source: Source

  public init(
    _ name: StaticString, _ group: Group, _ kind: Kind, default defaultText: StaticString = "", _ support: Support = .honoured,
    source: Source = .sdk, help: StaticString
  ) {
    self.name = name
    self.group = group
    self.kind = kind
    self.defaultText = defaultText
    self.help = help
    self.support = support
    self.source = source
  }

  /// The headings of `--help`, in its order.
  public enum Group: Int, Sendable, CaseIterable {
    case agent, general, traces, batches, limits, export, metricsAndLogs, instrumentation
  }

  /// How a value is written, which decides what is accepted (configuration/common.md, "Configuration types").
  public enum Kind: Sendable {
    /// `true` or `false` in any case. Not `1`: "MUST NOT extend this definition".
    case boolean
    case integer(least: UInt64, most: UInt64)
    /// Milliseconds, without a unit.
    case duration
    /// Milliseconds, without a unit; 0: no limit.
    case timeout
    /// One word of a set, in any case.
    case choice(Choices)
    /// Words of a set, separated by commas.
    case choices(Choices)
    /// The argument of the sampler: checked together with the sampler.
    case samplerArgument
    /// `key=value,key=value`, percent-encoded.
    case attributes
    /// As `attributes`, but secret: no message ever shows a part of it.
    case headers
    /// An absolute http or https URL. For gRPC also `host:port`.
    case url
    /// Where the relay is: `auto`, `external`, `start`, `off` or `unix:/path`.
    case relay
    /// Names, separated by commas.
    case list
    /// Names of HTTP headers, separated by commas.
    case headerNames
    /// Regular expressions, separated by commas (`PatternCompiler`).
    case patterns
    /// `host=name,host:port=name` (`PeerServices`).
    case peerServices
    case path
    case string
  }

  /// The words of an enumeration.
  public struct Choices: Sendable {
    public let supported: [StaticString]
    /// Words of the specification that this version does not implement: refused with a message that says so.
    public let known: [StaticString]

    public init(_ supported: [StaticString], notYet known: [StaticString] = []) {
      self.supported = supported
      self.known = known
    }
  }

  /// What this version makes of a value.
  public enum Support: Sendable {
    case honoured
    /// Part of the specification and without effect in this version; whoever sets it is told.
    case notYet
    /// As `notYet`, for what concerns a signal that this version does not produce or a default that costs nothing: said in the
    /// documentation, and not at every start.
    case notYetSilent
  }

  /// Where the meaning is defined.
  public enum Source: Sendable {
    case sdk, otlp, resource, semanticConventions, otelagent

    public var url: StaticString {
      switch self {
      case .sdk: "https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/"
      case .otlp: "https://opentelemetry.io/docs/specs/otel/protocol/exporter/"
      case .resource: "https://opentelemetry.io/docs/specs/otel/resource/sdk/"
      case .semanticConventions: "https://opentelemetry.io/docs/specs/semconv/"
      case .otelagent: ""
      }
    }
  }
}

extension EnvironmentVariable.Group {
  public var title: StaticString {
    switch self {
    case .agent: "Agent"
    case .general: "Service and SDK"
    case .traces: "Traces"
    case .batches: "Batches"
    case .limits: "Limits of a span"
    case .export: "Export"
    case .metricsAndLogs: "Metrics and logs"
    case .instrumentation: "Instrumentations"
    }
  }
}
