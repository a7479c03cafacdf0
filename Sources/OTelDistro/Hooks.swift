import COTelHookABI
import InstrumentationCurl
import InstrumentationDNS
import InstrumentationSockets
import OTelInstrumentation
import OTelAPI
import OTelAPI
import OTelSDK

/// The hook table: C calls these, each hands on to an instrumentor that is specialised for the SDK's tracer. Constant data.
enum Hooks {
  @inline(__always) static var tracer: SDKTracer { SDKTracer(options: TracerOptions.installed) }
  @inline(__always) static var sockets: SocketInstrumentor<SDKTracer> { SocketInstrumentor(tracer: tracer) }
  @inline(__always) static var curl: CurlInstrumentor<SDKTracer> { CurlInstrumentor(tracer: tracer) }

  @inline(__always) static var dns: DNSInstrumentor<SDKTracer> { DNSInstrumentor(tracer: tracer) }

  /// Empties the part of an instrumentation that is switched off.
  static func removeSockets(from table: inout otel_hook_table) {
    table.connect_enter = { _, _ in }
    table.socket_opened = { _, _, _, _ in }
  }

  static func removeDNS(from table: inout otel_hook_table) { table.traces_dns = false }

  static func removeCurl(from table: inout otel_hook_table) {
    table.traces_curl = false
    table.answers_dlsym = false
    table.keeps_deepbind = true
  }
}

/// Written only before it is installed.
nonisolated(unsafe) var hookTable = otel_hook_table(
  connect_enter: { Hooks.sockets.connectEnter($0, $1) },
  connect_exit: { Hooks.sockets.connectExit($0, $1, $2, $3, $4, $5) },
  socket_opened: { Hooks.sockets.opened($0, domain: $1, type: $2, protocol: $3) },
  socket_error_read: { Hooks.sockets.errorRead($0, $1) },
  socket_used: { Hooks.sockets.used($0, $1) },
  descriptors_closed: { Hooks.sockets.closed(from: $0, through: $1) },
  lookup_enter: { Hooks.dns.enter($0, $1, asksCanonical: $2) },
  lookup_exit: { Hooks.dns.exit($0, $1, $2) },
  host_lookup_exit: { Hooks.dns.exit($0, host: $1, number: $2, $3) },
  traces_dns: true,
  curl_opened: { Hooks.curl.opened($0, $1) },
  curl_copied: { Hooks.curl.copied($0, from: $1, to: $2) },
  curl_reset: { Hooks.curl.reset($0) },
  curl_closed: { Hooks.curl.closed($0) },
  curl_option: { Hooks.curl.followed($0, option: $1, value: $2) },
  curl_library: { Hooks.curl.library($0) },
  curl_perform_enter: { Hooks.curl.performEnter($0, $1, $2) },
  curl_perform_exit: { Hooks.curl.performExit($0, $1, $2, $3) },
  curl_multi_library: { Hooks.curl.multiLibrary($0) },
  curl_current_library: { Hooks.curl.currentLibrary($0) },
  curl_multi_add_enter: { Hooks.curl.multiAddEnter($0, $1, $2, $3) },
  curl_multi_add_failed: { Hooks.curl.multiAddFailed($0, $1, $2) },
  curl_multi_removed: { Hooks.curl.multiRemoved($1) },
  curl_multi_done: { Hooks.curl.multiDone($1, $2) },
  curl_multi_closed: { Hooks.curl.multiClosed($0) },
  curl_multi_drive_enter: { Hooks.curl.driveEnter($0, $1) },
  curl_multi_drive_exit: { Hooks.curl.driveExit($0, $1, $2) },
  curl_unresolved: { Hooks.tracer.count(.unresolved) },
  traces_curl: true,
  answers_dlsym: true,
  keeps_deepbind: true,
  unwound: { CallScope(tracer: Hooks.tracer).unwound($0) },
  ending: {
    // Who exits gives up what is in progress.
    Hooks.sockets.closed(from: 0, through: .max)
    RegionLifecycle(options: TracerOptions.installed).detach()
  },
  regions: { RegionLifecycle(options: TracerOptions.installed).locate(current: $0, retiring: $1) }
)
