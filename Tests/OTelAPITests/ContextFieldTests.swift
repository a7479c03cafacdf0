import OTelAPI
import OTelPrimitives
import OTelTestSupport
import Testing

@Suite struct ContextFieldTests {
  private var all: [ContextField] { (0..<UInt8(ContextField.count)).map { ContextField(rawValue: $0)! } }
  private func header(_ line: String) -> ContextField? { withText(line) { ContextField.named(header: $0) } }
  private func variable(_ entry: String) -> ContextField? { withText(entry) { ContextField.named(environment: $0) } }

  @Test func thereAreNoMore() { #expect(ContextField(rawValue: UInt8(ContextField.count)) == nil) }

  @Test func headers() {
    for field in all {
      let name = field.name.string
      for spelling in [name, name.uppercased(), name.lowercased()] {
        #expect(header("\(spelling): x") == field && header("\(spelling):") == field && header("\(spelling);") == field)
        #expect(header(spelling) == nil && header("\(spelling) : x") == nil && header("\(spelling)x: x") == nil && header("\(spelling)=x") == nil)
      }
    }
    #expect(header("") == nil && header("trace-parent: x") == nil && header("trace.parent: x") == nil && header(":") == nil)
  }

  // Specification, context/env-carriers.md, "Key Normalization".
  @Test(arguments: [
    ("TRACEPARENT", .traceParent), ("TRACESTATE", .traceState), ("BAGGAGE", .baggage), ("B3", .b3), ("X_B3_TRACEID", .b3TraceID), ("X_B3_SPANID", .b3SpanID),
    ("X_B3_SAMPLED", .b3Sampled), ("X_B3_FLAGS", .b3Flags), ("X_B3_PARENTSPANID", .b3ParentSpanID), ("UBER_TRACE_ID", .uberTraceID),
    ("X_AMZN_TRACE_ID", .amznTraceID), ("OT_TRACER_TRACEID", .otTraceID), ("OT_TRACER_SPANID", .otSpanID), ("OT_TRACER_SAMPLED", .otSampled),
  ] as [(String, ContextField)])
  func variables(_ name: String, _ field: ContextField) {
    #expect(variable("\(name)=x") == field && variable("\(name)=") == field)
    #expect(variable("\(name.lowercased())=x") == nil && variable(name) == nil && variable("\(name)_=x") == nil && variable("_\(name)=x") == nil)
    if name.contains("_") { #expect(variable("\(name.replacing("_", with: "-"))=x") == nil) }
  }

  @Test func sets() {
    var set = ContextFieldSet()
    #expect(set.isEmpty)
    set.insert(.otSampled)
    set.insert(.traceParent)
    #expect(all.filter { set.contains($0) } == [.traceParent, .otSampled])
    let range = ContextFieldSet(from: .b3, through: .b3ParentSpanID)
    #expect(all.filter { range.contains($0) } == [.b3, .b3TraceID, .b3SpanID, .b3Sampled, .b3Flags, .b3ParentSpanID])
    #expect(set.intersection(range).isEmpty)
    set.formUnion(range)
    #expect(all.filter { set.contains($0) }.count == 8)
  }

  @Test func aFieldThatComesTwiceIsThereAndSaysNothing() {
    for field in all {
      var fields = ContextFields()
      #expect(fields[field].isEmpty && !fields.present.contains(field))
      withText(" value\t") { value in
        fields.add(field, value)
        #expect(fields[field].string == "value")
        #expect(all.filter { !fields[$0].isEmpty } == [field])
        fields.add(field, value)
        #expect(fields[field].isEmpty && fields.present.contains(field))
        fields.add(field, value)
        #expect(fields[field].isEmpty)
      }
    }
  }
}
