/// The version of this release: here, and nowhere else. Programs, spans and packages have it from here.
public enum Version {
  public static var current: StaticString { "0.1.0" }
}
