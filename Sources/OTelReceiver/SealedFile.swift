import COTelShims
import Glibc

/// A memfd that came with a region: what a process read of the files that https needs (`otel_tls_files.h`).
package enum SealedFile {
  /// Its bytes. Empty when it is not a memfd sealed against every change, or too long: reading any other file could wait for a
  /// disk, a network or a hostile file system, and a relay waits for nobody.
  ///
  /// - Parameter descriptor: closed.
  package static func contents(adopting descriptor: Int32) -> [UInt8] {
    defer { close(descriptor) }
    let seals = fcntl(descriptor, F_GET_SEALS)
    let demanded = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW
    var status = stat()
    guard seals >= 0, seals & demanded == demanded, fstat(descriptor, &status) == 0, (1...Int(OTEL_TLS_FILES_MOST)).contains(status.st_size) else { return [] }
    return [UInt8](unsafeUninitializedCapacity: status.st_size) { buffer, count in
      count = max(0, pread(descriptor, buffer.baseAddress, buffer.count, 0))
    }
  }
}
