import COTelHookABI
import OTelPrimitives

/// Another OpenTelemetry SDK in the same program, known by what it sends: OTLP/HTTP requests of its exporter.
///
/// Those are never traced, nor do they get a header: telemetry about telemetry. From the first of them on, a request that brings a `traceparent` of
/// its own is taken to be traced by that SDK, and left to it. What has none is traced as in any program.
enum OtherSDK {
  /// Whether a transfer is left alone.
  @inline(__always)
  static func owns(_ handle: EasyHandle) -> Bool {
    guard handle.record.pointee.method == RequestMethod.post || otel_other_sdk() == OTEL_SDK_SEEN else { return false }
    return ownsOnASecondLook(handle)
  }

  @inline(never)
  private static func ownsOnASecondLook(_ handle: EasyHandle) -> Bool {
    if isExport(handle) {
      if otel_other_sdk() == OTEL_SDK_UNSEEN { otel_set_other_sdk(OTEL_SDK_SEEN) }
      return true
    }
    return otel_other_sdk() == OTEL_SDK_SEEN && RequestOrigin.namesTraceParent(handle)
  }

  /// "OTel-OTLP-Exporter-{language}/{version}". Source: specification, protocol/exporter.md, "User Agent".
  static func isExporter(_ userAgent: Text) -> Bool { userAgent.hasPrefix("OTel-OTLP-Exporter") }

  @inline(__always)
  private static func isExport(_ handle: EasyHandle) -> Bool {
    guard handle.record.pointee.method == RequestMethod.post, handle.record.pointee.custom_method_count == 0 else { return false }
    return handle.record.pointee.has_exporter_agent != 0 || hasExporterHeaders(handle)
  }

  /// The agent as a header; or protobuf for one of OTLP's paths, for exporters that do not say who they are.
  @inline(never)
  private static func hasExporterHeaders(_ handle: EasyHandle) -> Bool {
    let isForPath = hasExportPath(handle.url)
    var isOne = false
    handle.forEachHeader { text in
      let header = Text(cString: text, limit: 128)
      if header.slice(0, 11).equalsIgnoringCase("user-agent:"), isExporter(header.from(11).trimmed) { isOne = true }
      if isForPath, header.slice(0, 13).equalsIgnoringCase("content-type:"), header.from(13).trimmed.equalsIgnoringCase("application/x-protobuf") {
        isOne = true
      }
    }
    return isOne
  }

  private static func hasExportPath(_ url: Text) -> Bool {
    url.slice(url.count &- 10, url.count).equals("/v1/traces") || url.slice(url.count &- 11, url.count).equals("/v1/metrics")
      || url.slice(url.count &- 8, url.count).equals("/v1/logs")
  }
}
