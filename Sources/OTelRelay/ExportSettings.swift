import OTelConfiguration
import OTelExport
import OTelPrimitives
import OTelReceiver

/// How a process wants its spans to be exported, as the variables in its region's identity area say.
struct ExportSettings {
  let exporter: OTLPExporterOptions
  let batch: BatchSettings
  let problems: [InvalidSetting]

  init(_ identity: [UInt8]) {
    var found: [InvalidSetting] = []
    (exporter, batch) = identity.withUnsafeBufferPointer { buffer in
      let block = EnvironmentBlock(identity: buffer)
      return (OTLPExporterOptions(traces: block, problems: &found), BatchSettings(block, problems: &found))
    }
    problems = found
  }
}
