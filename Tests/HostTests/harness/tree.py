"""Spans as a person reads them."""

KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
STATUSES = {0: "unset", 1: "ok", 2: "ERROR"}


def duration(span):
    microseconds = (span.end - span.start) / 1000
    return f"{microseconds / 1000:.2f} ms" if microseconds >= 1000 else f"{microseconds:.0f} µs"


def lines_of(span, depth):
    indent = "    " * depth
    yield f"{indent}{span.name}   {KINDS[span.kind]}, {duration(span)}, status {STATUSES[span.status]}"
    width = max(map(len, span.attributes), default=0)
    for name, value in span.attributes.items():
        yield f"{indent}  {name:<{width}}  {value}"


def tree(spans):
    """All spans, children under their parents, siblings by their start."""
    known = {span.span_id for span in spans}
    lines = []

    def walk(parent, depth):
        for span in sorted((span for span in spans if parent(span)), key=lambda span: span.start):
            lines.extend(lines_of(span, depth))
            walk(lambda child, span=span: child.parent_span_id == span.span_id, depth + 1)

    for trace in dict.fromkeys(span.trace_id for span in sorted(spans, key=lambda span: span.start)):
        of_trace = [span for span in spans if span.trace_id == trace]
        lines.append(f"trace {trace}   service {of_trace[0].service}")
        walk(lambda span, trace=trace: span.trace_id == trace and span.parent_span_id not in known, 1)
    return "\n".join(lines)
