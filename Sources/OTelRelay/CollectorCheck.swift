import CCurl
import COTelShims
import Glibc
package import OTelConfiguration
package import OTelExport
package import OTelPrimitives
import OTelReceiver

/// Asks a collector whether it would take spans: one empty request, configured and sent as a program's spans would be.
///
/// Blocks the calling thread until there is an answer, at most as long as an export may take.
package struct CollectorCheck {
  /// In one line, what was answered.
  package let answer: String
  /// What could be done, or nil.
  package let hint: String?
  package let takesSpans: Bool
  /// What of the configuration was not understood.
  package let problems: [InvalidSetting]

  /// - Parameter environment: as a program's: `NAME=VALUE` entries, each ended by a NUL.
  package init(_ environment: EnvironmentBlock) {
    var found: [InvalidSetting] = []
    let files = Self.files(environment)
    let options = files.withUnsafeBufferPointer {
      OTLPExporterOptions(traces: environment, files: EnvironmentBlock(identity: $0), problems: &found)
    }
    problems = found
    if let exporters = environment.value("OTEL_TRACES_EXPORTER"), !exporters.names("otlp") {
      (answer, hint, takesSpans) = ("OTEL_TRACES_EXPORTER=\(String(quoting: exporters)): no spans are sent to a collector", nil, false)
      return
    }
    switch Self.outcome(options) {
    case .delivered(let response):
      let words = response.message.isEmpty ? "" : ", and says: \(response.message)"
      (answer, hint, takesSpans) = ("\(options.endpoint.displayURL): takes spans\(words)", nil, true)
    case .postponed(let failure, _), .refused(let failure): (answer, hint, takesSpans) = (RelayLog.escaped(failure.message), failure.hint, false)
    }
  }

  private static func files(_ environment: EnvironmentBlock) -> [UInt8] {
    let found = [TLSFile.authorities, .clientCertificate, .clientKey].map { file in
      file.choice(in: environment).flatMap { strndup(UnsafeRawPointer($0.path.start).assumingMemoryBound(to: CChar.self), $0.path.count) }
    }
    defer { for path in found { free(path) } }
    var paths = otel_tls_paths(certificate: found[0], client_certificate: found[1], client_key: found[2])
    let descriptor = otel_tls_files_read(&paths)
    return descriptor < 0 ? [] : SealedFile.contents(adopting: descriptor)
  }

  private static func outcome(_ options: OTLPExporterOptions) -> ExportOutcome {
    guard let engine = TransferEngine(), let exporter = OTLPHTTPExporter(options, userAgent: Product.userAgent + " (check)", engine: engine) else {
      return .refused(ExportFailure(.unknown, "libcurl could not be started"))
    }
    var outcome: ExportOutcome?
    exporter.export([], timeoutMilliseconds: options.timeoutMilliseconds) { outcome = $0 }
    while true {
      engine.perform()
      if let outcome { return outcome }
      var none: [curl_waitfd] = []
      engine.wait(for: &none, milliseconds: 1000)
    }
  }
}

extension Text {
  /// Whether the comma-separated list names `item`, in any case.
  fileprivate func names(_ item: StaticString) -> Bool {
    var items = ListItems(self)
    while let next = items.next() {
      if next.equalsIgnoringCase(item) { return true }
    }
    return false
  }
}
