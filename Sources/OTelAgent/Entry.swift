import OTelDistro

/// Called by the ELF constructor, before main and before any hook is live.
@c public func otel_agent_start(
  _ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
  _ environment: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) {
  Startup.run(count: count, arguments: arguments, environment: environment)
}
