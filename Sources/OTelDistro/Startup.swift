import COTelHookABI
import COTelShims
import OTelAPI
import OTelConfiguration
import OTelConfigurator
import OTelInstrumentation
import OTelPrimitives
import OTelSDK

/// The order in which the agent starts. Each step may end it; then every hook stays a pass-through for the process's life.
///
/// Runs in the ELF constructor, before main, in one thread. Makes no descriptor and no thread; maps one page. Its errors have nowhere
/// to go: what the program prints is the program's.
public enum Startup {
  public static func run(
    count: Int32, arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
    environment: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
  ) {
    // Off means off: first, and without anything that could fail.
    guard let environment, !EnvironmentSnapshot.isTrue("OTEL_NATIVE_DISABLED", in: environment) else { return }
    // A set-user-id program, or one with file capabilities, takes no orders from its caller's environment.
    guard getauxval(UInt(AT_SECURE)) == 0 else { return }
    guard !MachineSwitch.isOff else { return }
    let path = otel_executable_storage()
    guard findExecutable(path), !NeverList.contains(Text(cString: path)) else { return }

    let snapshot = EnvironmentSnapshot(environment)
    guard snapshot.isComplete else { return }
    let configurator = Configurator(snapshot.configuration)
    guard !configurator.standsDown || !isBesideLanguageAgent(Text(cString: path), count, arguments, environment) else { return }
    var region = otel_region_request()
    region.executable = UnsafePointer(path)
    region.command = count > 0 ? UnsafePointer(arguments?.pointee) : nil
    region.start_time = otel_realtime()
    region.configuration = UnsafeRawPointer(snapshot.configuration.bytes.start).assumingMemoryBound(to: CChar.self)
    region.configuration_length = snapshot.configuration.bytes.count
    region.tls_paths = configurator.tlsPaths
    let mayUseRelay = configurator.configureRelay(&region.relay, isFirstProcess: getpid() == 1)
    guard mayUseRelay || configurator.exporters.console else { return }
    region.relay.environment.runtime_directory = snapshot.runtimeDirectory
    region.relay.variables = UnsafePointer(otel_relay_variables())
    region.relay.agent = AgentPath.find()

    guard let page = otel_process_page(ProcessState.size) else { return }
    var options = TracerOptions(page: page, region: region)
    configurator.configure(&options, context: snapshot.context, baggage: snapshot.baggage)
    if !mayUseRelay { options.exportsToRelay = false }
    if options.exportsToConsole { configurator.configureConsole(&options) }
    TracerOptions.installed.initialize(to: options)

    if !configurator.standsDown { otel_set_other_sdk(OTEL_SDK_IGNORED) }
    hookTable.answers_dlsym = configurator.answersDlsym
    hookTable.keeps_deepbind = configurator.keepsDeepBind
    if configurator.recordsCurlPhases { otel_set_curl_phases(isBesideProxy(environment) ? OTEL_CURL_PHASES_BESIDE_PROXY : OTEL_CURL_PHASES_ON) }
    var settings = InstrumentationSettings()
    settings.read(snapshot.configuration)
    InstrumentationSettings.installed.initialize(to: settings)
    var kinds = Instrumentation.sockets.isEnabled(in: snapshot.configuration) ? OTEL_TRACES_TCP : 0
    // Of Unix sockets there are many, and they say little by themselves: to a system's own services, for the most part.
    let hasReason = Instrumentation.unixSockets.isNamed(in: snapshot.configuration) || TracerOptions.installed.pointee.processParent.isValid
    if hasReason, Instrumentation.unixSockets.isEnabled(in: snapshot.configuration) { kinds |= OTEL_TRACES_UNIX }
    if kinds == 0 { Hooks.removeSockets(from: &hookTable) } else { otel_set_traced_sockets(Int32(kinds)) }
    if !Instrumentation.dns.isEnabled(in: snapshot.configuration) { Hooks.removeDNS(from: &hookTable) }
    if !Instrumentation.curl.isEnabled(in: snapshot.configuration) { Hooks.removeCurl(from: &hookTable) }
    withUnsafePointer(to: &hookTable) { otel_hooks_install($0) }
  }

  /// Whether OpenTelemetry's agent of the program's own language is in it.
  private static func isBesideLanguageAgent(
    _ path: Text, _ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
    _ environment: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  ) -> Bool {
    guard let agent = LanguageAgent(program: path) else { return false }
    var isThere = false
    EnvironmentSnapshot.forEach(environment) { if agent.isBroughtIn(by: $0) { isThere = true } }
    if count > 0, let arguments { EnvironmentSnapshot.forEach(arguments) { if agent.isBroughtIn(byArgument: $0) { isThere = true } } }
    return isThere
  }

  /// Whether the environment names a proxy, for whichever protocol (libcurl-env(3)).
  @inline(never)
  private static func isBesideProxy(_ environment: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Bool {
    var isThere = false
    EnvironmentSnapshot.forEach(environment) { entry in
      guard let end = entry.firstIndex(of: 0x3d), end &+ 1 < entry.count, entry.slice(end &- 6, end).equalsIgnoringCase("_proxy") else { return }
      if !entry.slice(0, end).equalsIgnoringCase("no_proxy") { isThere = true }
    }
    return isThere
  }

  /// The program's file: what /proc says, else, in a chroot without it, the name that execve(2) was given (getauxval(3), AT_EXECFN).
  private static func findExecutable(_ path: UnsafeMutablePointer<CChar>) -> Bool {
    let capacity = Int(OTEL_EXECUTABLE_STORAGE)
    if otel_executable_path(path, capacity) { return true }
    guard !isFaulty("fault: kernel tells the name of the program"), let name = UnsafePointer<CChar>(bitPattern: getauxval(UInt(AT_EXECFN))) else { return false }
    let count = strnlen(name, capacity)
    guard count > 0, count < capacity else { return false }
    memcpy(path, name, count)
    path[count] = 0
    return true
  }
}
