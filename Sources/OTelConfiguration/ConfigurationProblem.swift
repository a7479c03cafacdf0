/// One mistake in the configuration, as the user is told.
public struct ConfigurationProblem: Sendable, Equatable {
  /// The variable.
  public let name: String
  /// One line, without a line break: the variable, the value unless it may be secret, what happens now, and what to do.
  public let message: String
}
