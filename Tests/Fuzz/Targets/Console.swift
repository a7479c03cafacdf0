import Foundation
import OTLPWire
import OTelPrimitives
import OTelReceiver

@testable import OTelSDK

nonisolated(unsafe) private let page: UnsafeMutableRawPointer = {
  let page = UnsafeMutableRawPointer.allocate(byteCount: ProcessState.size, alignment: 4096)
  page.initializeMemory(as: UInt8.self, repeating: 0, count: ProcessState.size)
  return page
}()

/// A span's line, read by Foundation. The first bytes say how much room there is, and how long a value may be.
func console(_ input: UnsafeRawBufferPointer) {
  guard input.count >= 3 else { return }
  let capacity = (Int(input[0]) << 8 | Int(input[1])) % 8192
  let longest = input[2] & 1 == 0 ? Int.max : Int(input[2])
  let message = Array(input.dropFirst(3))
  let whole = line(message, capacity: message.count * 16 + 4096, longest: longest)
  guard let whole else { return check(false, "no room in \(message.count * 16 + 4096) bytes") }
  if let short = line(message, capacity: capacity, longest: longest) { checkEqual(short, whole, "the same line with less room") } else {
    check(whole.count > capacity - 64, "\(whole.count) bytes do not fit into \(capacity)")
  }
  check(whole.last == 0x0a && whole.dropLast().allSatisfy { (0x20...0x7f).contains($0) }, "not one line of ASCII")
  guard let object = try? JSONSerialization.jsonObject(with: Data(whole)) as? [String: Any] else {
    return check(false, "not JSON: \(String(decoding: whole, as: UTF8.self))")
  }
  guard longest == .max, ReferenceSpan.isValid(message, as: .span, depth: 0), let fields = ReferenceSpan.parse(message) else { return }
  agree(object, fields)
}

private func line(_ message: [UInt8], capacity: Int, longest: Int) -> [UInt8]? {
  var isFull = false
  let bytes = withCopy(message) { text in
    written(capacity) { target in
      var writer = JSONWriter(target, capacity: capacity, longestValue: longest)
      SpanJSON(message: UnsafeRawBufferPointer(start: text.start, count: text.count)).write(to: &writer, resource: Resource(), process: ProcessState(page: page))
      isFull = writer.isFull
      return writer.count
    }
  }
  return isFull ? nil : bytes
}

/// What a valid span says and what its line says.
private func agree(_ object: [String: Any], _ fields: [(field: UInt64, value: ReferenceSpan.Value)]) {
  func bytes(_ field: UInt64) -> [UInt8] { if case .bytes(let bytes)? = ReferenceSpan.last(field, of: fields) { bytes } else { [] } }
  func hexadecimal(_ bytes: [UInt8]) -> String { "0x" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
  checkEqual(object["name"] as? String ?? "-", String(decoding: bytes(5), as: UTF8.self), "the name")
  let context = object["context"] as? [String: Any] ?? [:]
  checkEqual(context["trace_id"] as? String ?? "-", hexadecimal(bytes(1)), "the trace id")
  checkEqual(context["span_id"] as? String ?? "-", hexadecimal(bytes(2)), "the span id")
  checkEqual(object["parent_id"] as? String ?? "0x", hexadecimal(bytes(4)), "the parent")
  // Of two attributes of one name either may be taken by a reader.
  var attributes: [String: [ReferenceSpan.Value]] = [:]
  for case (9, .bytes(let pair)) in fields {
    guard let parsed = ReferenceSpan.parse(pair) else { continue }
    var (key, value) = ("", [UInt8]())
    if case .bytes(let name)? = ReferenceSpan.last(1, of: parsed) { key = String(decoding: name, as: UTF8.self) }
    if case .bytes(let any)? = ReferenceSpan.last(2, of: parsed) { value = any }
    if let first = ReferenceSpan.parse(value)?.first, first.field == 1 { attributes[key, default: []].append(first.value) } else { attributes[key, default: []].append(.number(0, wire: 0)) }
  }
  let found = object["attributes"] as? [String: Any] ?? [:]
  checkEqual(Set(found.keys), Set(attributes.keys), "the attributes' names")
  for (key, values) in attributes {
    guard let text = found[key] as? String else { continue }
    check(values.contains { if case .bytes(let bytes) = $0 { String(decoding: bytes, as: UTF8.self) == text } else { false } }, "\(key) is \(text)")
  }
}
