package import OTelInspection

/// A NULL-terminated array of C strings, as execve(2) takes it. Owns its memory.
package final class CStringArray {
  package let pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  private let count: Int

  package init(_ strings: [ByteString]) {
    count = strings.count
    pointer = .allocate(capacity: count + 1)
    for (index, string) in strings.enumerated() {
      let copy = UnsafeMutablePointer<CChar>.allocate(capacity: string.bytes.count + 1)
      for (offset, byte) in string.bytes.enumerated() { copy[offset] = CChar(bitPattern: byte) }
      copy[string.bytes.count] = 0
      (pointer + index).initialize(to: copy)
    }
    (pointer + count).initialize(to: nil)
  }

  deinit {
    for index in 0..<count { pointer[index]?.deallocate() }
    pointer.deallocate()
  }
}
