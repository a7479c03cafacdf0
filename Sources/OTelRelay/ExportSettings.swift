import OTelConfiguration
import OTelExport
import OTelPrimitives
import OTelReceiver

/// How a process wants its spans to be exported, as the variables in its region's identity area say.
struct ExportSettings {
  let exporter: OTLPExporterOptions
  let batch: BatchSettings
  let problems: [InvalidSetting]

  /// - Parameter files: what the process read of the files for https; empty when it names none.
  init(_ identity: [UInt8], files: [UInt8] = []) {
    var found: [InvalidSetting] = []
    (exporter, batch) = identity.withUnsafeBufferPointer { buffer in
      files.withUnsafeBufferPointer { files in
        let block = EnvironmentBlock(identity: buffer)
        return (OTLPExporterOptions(traces: block, files: EnvironmentBlock(identity: files), problems: &found), BatchSettings(block, problems: &found))
      }
    }
    problems = found
  }
}
