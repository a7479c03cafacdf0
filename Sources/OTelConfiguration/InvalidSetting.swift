#if !hasFeature(Embedded)
  /// A variable that does not say what it should. The text never contains a value that may be a secret.
  package struct InvalidSetting: Hashable, Error {
    /// The variable.
    package let name: String
    /// What was wrong, what happens now, what to do.
    package let message: String

    package init(_ name: String, _ message: String) {
      self.name = name
      self.message = message
    }

    /// Some messages begin with the variable.
    package var description: String { message.hasPrefix(name) ? message : "\(name): \(message)" }
  }
#endif
