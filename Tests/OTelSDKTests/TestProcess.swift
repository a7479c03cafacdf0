import COTelShims
import OTelAPI
import OTelPrimitives
import OTelRegion
import OTelTestSupport

@testable import OTelSDK

/// A process whose region is ordinary memory: nothing attaches, no helper runs.
final class TestProcess {
  let page: UnsafeMutableRawPointer
  let options: UnsafeMutablePointer<TracerOptions>
  private(set) var memory = RegionMemory(secret: .random(in: 1...(.max)))
  private var retired: [RegionMemory] = []

  init() {
    page = .allocate(byteCount: ProcessState.size, alignment: 4096)
    page.initializeMemory(as: UInt8.self, repeating: 0, count: ProcessState.size)
    options = .allocate(capacity: 1)
    options.initialize(to: TracerOptions(page: page, region: otel_region_request()))
    // Any generation: another one than of what the thread did before.
    state.generation.store(.random(in: 1...(.max)))
    state.secretHigh.store(.random(in: 1...(.max)))
    state.secretLow.store(.random(in: 1...(.max)))
    state.clock.store(1_700_000_000_000_000_000)
    state.nextCheck.store(.max)
    state.phase.store(ProcessState.Phase.attached)
    attach(memory)
  }

  deinit {
    options.deallocate()
    page.deallocate()
  }

  var state: ProcessState { ProcessState(page: page) }
  var tracer: SDKTracer { SDKTracer(options: options) }

  private func attach(_ memory: RegionMemory) { state.region.storeReleasing(UInt64(UInt(bitPattern: memory.address))) }

  /// As when the relay has gone: another region takes the first one's place.
  func replaceRegion() {
    retired.append(memory)
    memory = RegionMemory(secret: .random(in: 1...(.max)))
    attach(memory)
  }

  /// As a fork child sees it.
  func fork() { page.initializeMemory(as: UInt8.self, repeating: 0, count: ProcessState.size) }

  /// The spans that were recorded, decoded.
  var spans: [DecodedSpan] { memory.payloads(overUnfinished: true).compactMap { DecodedSpan($0) } }

  /// Records one span from its start to its end.
  func record(parent: SpanContext? = nil, isRemote: Bool = false, _ body: (inout SpanRecorder) -> Void = { _ in }) -> OpenSpan? {
    guard var span = tracer.start(parent: parent, isRemote: isRemote), span.isRecording,
      var recorder = tracer.record(&span, name: Text("GET"), kind: .client, scope: .curl)
    else { return nil }
    body(&recorder)
    tracer.end(recorder, of: span, scope: .curl, at: 0)
    return span
  }
}
