// swift-tools-version: 6.2
import PackageDescription

// OTEL_EMBEDDED=1 (set by `make`) builds the shipped agent: the in-host targets alone, as Embedded Swift. Without it the same
// sources build as ordinary Swift, with the relay, the launcher and the tests. Module files of the two modes do not mix: one
// scratch path each.
let embedded = Context.environment["OTEL_EMBEDDED"] == "1"
/// OTEL_FUZZ=1 (set by `scripts/fuzz`): with the fuzz targets, and without what they do not need.
let isFuzzed = Context.environment["OTEL_FUZZ"] == "1"
/// OTEL_INTERLEAVINGS=1 (set by `scripts/interleavings`): shared words tell a scheduler of their accesses, and the ring is tiny.
let isInterleaved = Context.environment["OTEL_INTERLEAVINGS"] == "1"

// OTEL_FAULT_INJECTION=1 (set by a test, which builds into .build-faults) makes each step that can fail do so when told to: otel_fault.h.
let faults = Context.environment["OTEL_FAULT_INJECTION"] == "1"

let common: [SwiftSetting] = [
  .enableUpcomingFeature("MemberImportVisibility"), .enableUpcomingFeature("InternalImportsByDefault"),
]

/// What is loaded into other people's programs.
let inHost: [SwiftSetting] =
  common + (isInterleaved ? [.define("OTEL_INTERLEAVINGS")] : []) + (embedded ? [.enableExperimentalFeature("Embedded"), .unsafeFlags(["-wmo", "-Xfrontend", "-disable-stack-protector", "-Xfrontend", "-function-sections"])] : [])
  + (faults ? [.define("OTEL_FAULT_INJECTION"), .unsafeFlags(["-Xcc", "-DOTEL_FAULT_INJECTION=1"])] : [])

let inHostC: [CSetting] = [
  .unsafeFlags((isFuzzed ? ["-fsanitize=undefined", "-fno-sanitize-recover=undefined"] : []) + [
    "-fvisibility=hidden", "-ffunction-sections", "-fdata-sections", "-fno-stack-protector", "-fasynchronous-unwind-tables", "-Wall", "-Wextra",
    "-Wno-unused-parameter", "-Wno-nullability-completeness",
  ])
] + (faults ? [.define("OTEL_FAULT_INJECTION", to: "1")] : [])

let agentLinker: [LinkerSetting] = [
  .unsafeFlags(
    ["-use-ld=lld"]
      + ["--gc-sections", "--version-script=CShims/COTelHooks/otelagent.map", "-z", "now", "-z", "relro", "-z", "nodelete", "-z", "noexecstack", "-Bsymbolic"]
      .flatMap { ["-Xlinker", $0] }
      + (embedded ? ["-z", "defs", "--as-needed"].flatMap { ["-Xlinker", $0] } : []))
]

// MARK: C: what Swift cannot say

let c: [Target] = [
  // For size: what is compiled here runs once per process or at a dlopen; what hooks need of it is inline, in the headers.
  .target(name: "COTelShims", path: "CShims/COTelShims", cSettings: inHostC + [.unsafeFlags(["-Os"])]),
  .target(name: "COTelHookABI", dependencies: ["COTelShims"], path: "CShims/COTelHookABI", cSettings: inHostC),
  // Defines `connect`, `curl_easy_perform` …: whoever links it is interposed. Only OTelAgent may. A hook that passes a call on by a jump
  // does without a frame of its own.
  .target(
    name: "COTelHooks", dependencies: ["COTelHookABI", "COTelShims"], path: "CShims/COTelHooks", exclude: ["otelagent.map"],
    cSettings: inHostC + [.unsafeFlags(["-momit-leaf-frame-pointer"])]),
]

// MARK: In the host

let host: [Target] = [
  .target(name: "OTelPrimitives", dependencies: ["COTelShims"], swiftSettings: inHost),
  .target(name: "OTelAPI", dependencies: ["OTelPrimitives", "COTelShims"], swiftSettings: inHost),
  .target(name: "OTLPWire", dependencies: ["OTelPrimitives"], swiftSettings: inHost),
  .target(name: "OTelRegion", dependencies: ["OTelPrimitives"], swiftSettings: inHost),
  .target(name: "OTelConfiguration", dependencies: ["OTelPrimitives"], swiftSettings: inHost),
  .target(name: "OTelSemanticConventions", swiftSettings: inHost),
  .target(name: "OTelSDK", dependencies: ["OTelAPI", "OTLPWire", "OTelRegion", "OTelPrimitives", "COTelShims"], swiftSettings: inHost),
  .target(
    name: "OTelInstrumentation", dependencies: ["OTelAPI", "OTelSemanticConventions", "OTelPrimitives", "COTelHookABI"], swiftSettings: inHost),
  .target(
    name: "InstrumentationCurl",
    dependencies: ["OTelInstrumentation", "OTelAPI", "OTelSemanticConventions", "OTelPrimitives", "COTelHookABI"], swiftSettings: inHost),
  .target(
    name: "InstrumentationSockets",
    dependencies: ["OTelInstrumentation", "OTelAPI", "OTelSemanticConventions", "OTelPrimitives", "COTelHookABI"], swiftSettings: inHost),
  .target(
    name: "InstrumentationDNS",
    dependencies: ["OTelInstrumentation", "OTelAPI", "OTelSemanticConventions", "OTelPrimitives", "COTelHookABI"], swiftSettings: inHost),
  .target(
    name: "OTelConfigurator", dependencies: ["OTelSDK", "OTelConfiguration", "OTelAPI", "OTLPWire", "OTelRegion", "OTelPrimitives", "COTelShims"],
    swiftSettings: inHost),
  .target(
    name: "OTelDistro",
    dependencies: [
      "OTelConfigurator", "OTelConfiguration", "InstrumentationCurl", "InstrumentationSockets", "InstrumentationDNS", "OTelInstrumentation",
      "OTelSDK", "OTelAPI", "OTelPrimitives", "COTelHookABI", "COTelShims",
    ], swiftSettings: inHost),
  .target(
    name: "OTelAgent", dependencies: ["OTelDistro", "COTelHooks", "COTelHookABI", "COTelShims"], swiftSettings: inHost,
    linkerSettings: agentLinker),
]

// MARK: Outside: the relay, the launcher, the tests

let outside: [Target] = [
  .target(name: "CCurl", path: "CShims/CCurl", linkerSettings: [.linkedLibrary("curl")]),
  .target(name: "CZlib", path: "CShims/CZlib", linkerSettings: [.linkedLibrary("z")]),
  .target(
    name: "OTelExport", dependencies: ["OTLPWire", "OTelRegion", "OTelConfiguration", "OTelPrimitives", "CCurl", "CZlib"], swiftSettings: common),
  .target(
    name: "OTelReceiver", dependencies: ["OTLPWire", "OTelRegion", "OTelConfiguration", "OTelPrimitives", "COTelShims"], swiftSettings: common),
  .target(
    name: "OTelRelay",
    dependencies: ["OTelReceiver", "OTelExport", "OTLPWire", "OTelRegion", "OTelConfiguration", "OTelPrimitives", "CCurl", "COTelShims"],
    swiftSettings: common),
  .executableTarget(
    name: "otel-relay",
    dependencies: [
      "OTelRelay", "OTelReceiver", "OTelExport", "OTelConfiguration", "OTelPrimitives", "COTelShims",
      .product(name: "ArgumentParser", package: "swift-argument-parser"),
    ], swiftSettings: common),
  .target(name: "OTelView", dependencies: ["OTLPWire", "OTelPrimitives"], swiftSettings: common),
  .target(name: "OTelInspection", dependencies: ["OTelConfiguration", "OTelPrimitives", "COTelShims"], swiftSettings: common),
  .target(
    name: "OTelLaunch", dependencies: ["OTelView", "OTelInspection", "OTelReceiver", "OTelRegion", "OTelConfiguration", "OTelPrimitives", "COTelShims"],
    swiftSettings: common),
  // Released without any shared library: it starts with every program, and libstdc++ alone would be half of its time; it runs in images
  // with an older glibc than ours; and no LD_PRELOAD, of ours or of others, is loaded into it.
  .executableTarget(
    name: "otel-instrument", dependencies: ["OTelLaunch", "COTelShims"], swiftSettings: common,
    linkerSettings: [.unsafeFlags(["-static-executable"], .when(configuration: .release))]),

  .target(
    name: "OTelTestSupport", dependencies: ["OTelReceiver", "OTLPWire", "OTelRegion", "OTelPrimitives", "COTelShims"], path: "Tests/Support",
    swiftSettings: common),
  .testTarget(name: "OTelPrimitivesTests", dependencies: ["OTelPrimitives", "OTelTestSupport"], swiftSettings: common),
  .testTarget(name: "OTelAPITests", dependencies: ["OTelAPI", "OTelPrimitives", "OTelTestSupport"], swiftSettings: common),
  .testTarget(name: "OTelRegionTests", dependencies: ["OTelRegion", "OTelPrimitives", "COTelShims", "OTelTestSupport"], swiftSettings: common),
  .testTarget(name: "OTelConfigurationTests", dependencies: ["OTelConfiguration", "OTelPrimitives", "OTelTestSupport"], swiftSettings: common),
  .testTarget(
    name: "OTelSDKTests", dependencies: ["OTelSDK", "OTelAPI", "OTLPWire", "OTelRegion", "OTelPrimitives", "COTelShims", "OTelTestSupport"],
    swiftSettings: common),
  .testTarget(
    name: "OTelInstrumentationTests", dependencies: [
      "OTelInstrumentation", "InstrumentationCurl", "InstrumentationSockets", "InstrumentationDNS", "OTelSDK", "OTelRegion", "OTelAPI", "OTelPrimitives", "COTelHookABI",
      "COTelShims", "OTelTestSupport",
    ], swiftSettings: common),
  .testTarget(
    name: "OTelReceiverTests", dependencies: ["OTelReceiver", "OTLPWire", "OTelRegion", "OTelConfiguration", "OTelPrimitives", "COTelShims", "OTelTestSupport"],
    swiftSettings: common),
  .testTarget(
    name: "OTelRelayTests",
    dependencies: [
      "OTelRelay", "OTelReceiver", "OTelExport", "OTLPWire", "OTelRegion", "OTelConfiguration", "OTelPrimitives", "COTelShims", "OTelTestSupport",
    ],
    swiftSettings: common),
  .testTarget(name: "OTelExportTests", dependencies: ["OTelExport", "OTLPWire", "OTelConfiguration", "OTelPrimitives", "OTelTestSupport"], swiftSettings: common),
  .testTarget(name: "OTelViewTests", dependencies: ["OTelView", "OTLPWire"], swiftSettings: common),
  .testTarget(name: "OTelInspectionTests", dependencies: ["OTelInspection"], swiftSettings: common),
  .testTarget(
    name: "OTelLaunchTests", dependencies: ["OTelLaunch", "OTelInspection", "OTelConfiguration", "OTelPrimitives"], swiftSettings: common),
]

/// Fed with foreign bytes: `scripts/fuzz`. Outside of its mode they do not exist, for libFuzzer's `main` and instrumentation are no part of
/// an ordinary build.
let fuzz: [Target] = [
  // The look-up in loaded objects as it ships, but over objects that a test has made.
  .target(
    name: "CFuzz", path: "Tests/Fuzz/CFuzz", cSettings: inHostC),
  .executableTarget(
    name: "fuzz",
    dependencies: [
      "OTelAPI", "OTelConfiguration", "OTelConfigurator", "OTelPrimitives", "OTelInstrumentation", "OTelRegion", "OTLPWire", "OTelReceiver", "OTelExport",
      "OTelView", "OTelSDK", "OTelLaunch", "OTelInspection", "OTelTestSupport", "COTelShims", "COTelHookABI", "CCurl", "CFuzz",
    ], path: "Tests/Fuzz/Targets", swiftSettings: common),
]

let interleavings: [Target] = [
  .target(name: "CFibers", path: "Tests/Interleavings/CFibers"),
  .executableTarget(
    name: "interleavings", dependencies: ["OTelRegion", "OTelPrimitives", "CFibers"], path: "Tests/Interleavings/Explorer",
    // The checks that Swift makes while a program runs keep a list for each thread, and fibers share one.
    swiftSettings: common + [.unsafeFlags(["-enforce-exclusivity=unchecked"])]),
]

let package = Package(
  name: "otelagent",
  products: [.library(name: "otelagent", type: .dynamic, targets: ["OTelAgent"])],
  dependencies: embedded || isFuzzed || isInterleaved ? [] : [.package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")],
  targets: c + host + (embedded || isInterleaved ? [] : outside.filter { !isFuzzed || $0.type == .regular }) + (isFuzzed ? fuzz : []) + (isInterleaved ? interleavings : [])
)
