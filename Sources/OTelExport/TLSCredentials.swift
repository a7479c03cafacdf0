import Glibc
import OTelConfiguration
package import OTelPrimitives

/// Whom to trust and who to be for an https endpoint, in PEM: the contents of the files that
/// `OTEL_EXPORTER_OTLP_{CERTIFICATE,CLIENT_CERTIFICATE,CLIENT_KEY}` name, as the process itself could read them.
///
/// The relay opens no file that a process names: it has powers that a confined process may lack. What cannot be used is a `flaw`; then
/// nothing is sent, since sending unverified or as nobody is not what was asked for.
package struct TLSCredentials: Hashable {
  /// Certificates that are trusted, instead of the system's; nil: the system's.
  package var authorities: [UInt8]?
  /// The client's key and then its certificates, in one text; nil: none.
  package var client: [UInt8]?
  /// Why they cannot be used: variable, file and reason; never a content.
  package var flaw: String?

  package init() {}

  /// - Parameters:
  ///   - environment: the process's `OTEL_*` variables.
  ///   - files: entries by `TLSFile.rawValue` with the contents of the files that the process read, or with `.error` behind the name and an
  ///     errno for a file that it could not read (`otel_tls_files.h`).
  package init(traces environment: EnvironmentBlock, files: EnvironmentBlock) {
    authorities = content(.authorities, environment, files)
    let certificate = content(.clientCertificate, environment, files)
    let key = content(.clientKey, environment, files)
    client = flaw == nil ? joined(certificate, key) : nil
  }

  private mutating func content(_ file: TLSFile, _ environment: EnvironmentBlock, _ files: EnvironmentBlock) -> [UInt8]? {
    guard flaw == nil, let (variable, path) = file.choice(in: environment) else { return nil }
    let name = "\(variable): \(String(path))"
    if let code = files.value(file.errorEntry).flatMap({ ValueParser.integer($0) }) {
      flaw = "\(name): \(String(cString: strerror(Int32(code))).lowercasedFirst)"
    } else if let text = files.value(file.entry) {
      flaw = file.flaw(of: text).map { "\(name) \($0)" }
      return flaw == nil ? Array(UnsafeBufferPointer(start: text.start, count: text.count)) : nil
    } else {
      flaw = "\(name) is empty, or was not handed over by an agent of another version"
    }
    return nil
  }

  /// The key comes first: libcurl takes the first key of the text, and the certificate's file may hold another one. One text for both,
  /// because libcurl (7.88) tells connections apart by the certificate's text and not by the key's: who only knows the certificate
  /// would be given the connection of one who has the key.
  private mutating func joined(_ certificate: [UInt8]?, _ key: [UInt8]?) -> [UInt8]? {
    switch (certificate, key) {
    case (nil, nil): return nil
    case (nil, .some): flaw = "OTEL_EXPORTER_OTLP_CLIENT_KEY is set without OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"
    case (let certificate?, nil) where certificate.holdsKey: return certificate
    case (.some, nil): flaw = "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE is set without OTEL_EXPORTER_OTLP_CLIENT_KEY, and its file holds no key"
    case (let certificate?, let key?): return certificate == key ? key : key + [0x0a] + certificate
    }
    return nil
  }
}

/// The files that an https endpoint may need. The raw values are the names of `otel_tls_files.h`.
package enum TLSFile: CaseIterable {
  case authorities, clientCertificate, clientKey

  var entry: StaticString {
    switch self {
    case .authorities: "certificate"
    case .clientCertificate: "client_certificate"
    case .clientKey: "client_key"
    }
  }

  var errorEntry: StaticString {
    switch self {
    case .authorities: "certificate.error"
    case .clientCertificate: "client_certificate.error"
    case .clientKey: "client_key.error"
    }
  }

  /// The signal's variable, then the common one.
  private var variables: (StaticString, StaticString) {
    switch self {
    case .authorities: ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE")
    case .clientCertificate: ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE")
    case .clientKey: ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "OTEL_EXPORTER_OTLP_CLIENT_KEY")
    }
  }

  /// The variable that counts and the path that it names; nil when none is set.
  package func choice(in environment: EnvironmentBlock) -> (variable: StaticString, path: Text)? {
    let (own, common) = variables
    if let path = environment.value(own) { return (own, path.trimmed) }
    return environment.value(common).map { (common, $0.trimmed) }
  }

  /// What is wrong with a file's content at first sight; libcurl looks closer when it connects.
  func flaw(of text: Text) -> String? {
    let content = UnsafeBufferPointer(start: text.start, count: text.count)
    switch self {
    case .authorities, .clientCertificate: return content.holds("CERTIFICATE-----") ? nil : "holds no certificate in PEM form"
    case .clientKey:
      if content.holds("ENCRYPTED") { return "is encrypted: a key without a passphrase is needed" }
      return content.holds("PRIVATE KEY-----") ? nil : "holds no private key in PEM form"
    }
  }
}

extension Collection<UInt8> {
  /// Whether the ASCII text is in it. Linear for PEM, where few bytes begin with its first one.
  fileprivate func holds(_ needle: String) -> Bool {
    let needle = Array(needle.utf8)
    var rest = self[...]
    while let start = rest.firstIndex(of: needle[0]) {
      if rest[start...].starts(with: needle) { return true }
      rest = rest[index(after: start)...]
    }
    return false
  }

  fileprivate var holdsKey: Bool { holds("PRIVATE KEY-----") }
}

extension String {
  /// As a message looks behind a colon: "Connection refused" begins small, "SSL certificate problem" does not.
  var lowercasedFirst: String { dropFirst().first?.isLowercase == true ? prefix(1).lowercased() + dropFirst() : self }
}
