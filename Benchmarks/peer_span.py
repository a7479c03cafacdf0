"""Nanoseconds that a span with six attributes costs its thread in opentelemetry-python: batch processor, an exporter that drops."""

import statistics
import time

from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind

BURST = 1000
BURSTS = 20


class Discard(SpanExporter):
    exported = 0

    def export(self, spans):
        self.exported += len(spans)
        return SpanExportResult.SUCCESS


exporter = Discard()
provider = TracerProvider()
provider.add_span_processor(
    BatchSpanProcessor(exporter, max_queue_size=16 * BURST, max_export_batch_size=16 * BURST, schedule_delay_millis=600_000)
)
tracer = provider.get_tracer("bench")
root = Context()


def burst():
    start = time.perf_counter_ns()
    for _ in range(BURST):
        span = tracer.start_span("GET", context=root, kind=SpanKind.CLIENT)
        span.set_attribute("http.request.method", "GET")
        span.set_attribute("url.full", "http://service.example:8080/some/path?with=query")
        span.set_attribute("server.address", "service.example")
        span.set_attribute("server.port", 8080)
        span.set_attribute("http.response.status_code", 200)
        span.set_attribute("network.protocol.version", "1.1")
        span.end()
    return (time.perf_counter_ns() - start) / BURST


samples = []
for _ in range(BURSTS):
    samples.append(burst())
    provider.force_flush()
assert exporter.exported == BURST * BURSTS, "opentelemetry-python dropped spans: the comparison would be false"
print(statistics.median(samples))
provider.shutdown()
