import COTelShims
import Glibc
import Testing

@testable import OTelReceiver

@Suite struct SealedFileTests {
  private func file(_ path: String) -> Int32 {
    path.withCString { path in
      var paths = otel_tls_paths(certificate: path, client_certificate: nil, client_key: nil)
      return otel_tls_files_read(&paths)
    }
  }

  private func contents(_ path: String) -> String { String(decoding: SealedFile.contents(adopting: file(path)), as: UTF8.self) }

  @Test func whatAProcessReads() throws {
    var template = Array("/tmp/otel-sealed-test.XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    let path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    defer {
      unlink(path)
      close(descriptor)
    }
    try #require(descriptor >= 0)
    _ = "PEM\n".withCString { write(descriptor, $0, 4) }
    #expect(contents(path) == "certificate=PEM\n\0")
    ftruncate(descriptor, off_t(OTEL_TLS_FILE_MOST) + 1)
    #expect(contents(path) == "certificate.error=\(EFBIG)\0")
  }

  @Test func whatAProcessCannotRead() {
    #expect(contents("/nonexistent/file") == "certificate.error=\(ENOENT)\0")
    #expect(contents("/tmp") == "certificate.error=\(EISDIR)\0")
    #expect(contents("/dev/zero") == "certificate.error=\(ENOTSUP)\0")
  }

  @Test func nothingIsNamed() {
    var paths = otel_tls_paths()
    #expect(otel_tls_files_read(&paths) == -1)
  }

  @Test("A file that could make its reader wait, or change, is not read")
  func otherFiles() {
    #expect(SealedFile.contents(adopting: open("/etc/passwd", O_RDONLY)).isEmpty)
    let unsealed = "x".withCString { Int32(otel_syscall6(Int(SYS_memfd_create), Int(bitPattern: $0), 2, 0, 0, 0, 0)) }  // MFD_ALLOW_SEALING
    _ = "certificate=x".withCString { write(unsealed, $0, 13) }
    #expect(SealedFile.contents(adopting: unsealed).isEmpty)
  }
}
