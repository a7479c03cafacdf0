public import OTelPrimitives

/// OpenTelemetry's own agent of a language, as a process shows it before `main`: by its runtime, and by the variable or the argument
/// that brings the agent in. Beside one otelagent records nothing: what both see would be told twice, in two traces.
public struct LanguageAgent {
  private enum Runtime { case python, java, node, ruby, php, dotnet }
  private let runtime: Runtime

  /// - Parameter path: of the program's file. Nil: its language has no such agent.
  public init?(program path: Text) {
    let name = path.fileName
    if name.hasPrefix("python") {
      runtime = .python
    } else if name.equals("java") {
      runtime = .java
    } else if name.equals("node") || name.equals("nodejs") {
      runtime = .node
    } else if name.hasPrefix("ruby") {
      runtime = .ruby
    } else if name.hasPrefix("php") {
      runtime = .php
    } else if name.equals("dotnet") {
      runtime = .dotnet
    } else {
      return nil
    }
  }

  /// Whether nothing is recorded beside one: what the value of `OTEL_NATIVE_STAND_DOWN` says; nil: it is not set.
  public static func standsDown(_ value: Text?) -> Bool { value.map { ValueParser.boolean($0) ?? false } ?? true }

  /// For messages.
  public var language: StaticString {
    switch runtime {
    case .python: "Python"
    case .java: "Java"
    case .node: "Node.js"
    case .ruby: "Ruby"
    case .php: "PHP"
    case .dotnet: ".NET"
    }
  }

  /// Whether an entry `NAME=VALUE` of the environment brings it in. What is looked for is what the agents' own launchers, their
  /// installation guides and OpenTelemetry's Kubernetes operator write.
  public func isBroughtIn(by entry: Text) -> Bool {
    switch runtime {
    case .python: entry.hasPrefix("PYTHONPATH=") && entry.contains("opentelemetry/instrumentation/auto_instrumentation")
    case .java:
      (entry.hasPrefix("JAVA_TOOL_OPTIONS=") || entry.hasPrefix("JDK_JAVA_OPTIONS=") || entry.hasPrefix("_JAVA_OPTIONS="))
        && isJavaAgent(entry)
    case .node: entry.hasPrefix("NODE_OPTIONS=") && (entry.contains("@opentelemetry/") || entry.contains("otel-auto-instrumentation-nodejs"))
    case .ruby: entry.hasPrefix("RUBYOPT=") && entry.contains("opentelemetry")
    case .php: entry.hasPrefix("OTEL_PHP_AUTOLOAD_ENABLED=") && entry.from(26).trimmed.equalsIgnoringCase("true")
    // OpenTelemetry's profiler, by its class id.
    case .dotnet: entry.hasPrefix("CORECLR_PROFILER=") && entry.contains("918728DD-259F-4A6A-AC2B-B85E1B658318")
    }
  }

  public func isBroughtIn(byArgument argument: Text) -> Bool {
    switch runtime {
    case .java: isJavaAgent(argument)
    case .node: argument.hasPrefix("@opentelemetry/") || argument.contains("=@opentelemetry/")
    default: false
    }
  }

  private func isJavaAgent(_ options: Text) -> Bool { options.contains("-javaagent:") && options.contains("opentelemetry-javaagent") }
}
