"""Microseconds of CPU that one HTTP request costs this process, all of its threads and the export of its spans included.

    peer_requests.py plain|by-hand|requests URL COUNT

plain     pycurl and nothing else: what an agent is measured on.
by-hand   pycurl, and a span around each request as opentelemetry-python's documentation writes it: attributes, the context injected into
          the headers, batch processor, OTLP http/protobuf.
requests  the requests library: what `opentelemetry-instrument` instruments.
"""

import io
import resource
import sys

WARM_UP = 50


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def pycurl_get(url):
    import pycurl

    handle = pycurl.Curl()

    def get(headers=()):
        body = io.BytesIO()
        handle.setopt(pycurl.URL, url)
        handle.setopt(pycurl.HTTPHEADER, list(headers))
        handle.setopt(pycurl.WRITEDATA, body)
        handle.perform()
        return handle.getinfo(pycurl.RESPONSE_CODE)

    return get


def traced_by_hand(get, url):
    from urllib.parse import urlsplit

    from opentelemetry import propagate, trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import SpanKind

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    tracer = trace.get_tracer("bench")
    parts = urlsplit(url)

    def traced():
        attributes = {
            "http.request.method": "GET",
            "url.full": url,
            "server.address": parts.hostname,
            "server.port": parts.port,
        }
        with tracer.start_as_current_span("GET", kind=SpanKind.CLIENT, attributes=attributes) as span:
            carrier = {}
            propagate.inject(carrier)
            status = get([f"{name}: {value}" for name, value in carrier.items()])
            span.set_attribute("http.response.status_code", status)
            span.set_attribute("network.protocol.version", "1.1")
        return status

    return traced, provider.force_flush


def requests_get(url):
    import requests

    session = requests.Session()
    return lambda: session.get(url).status_code


def flush_of_sdk():
    """Of the provider that opentelemetry-instrument made; nothing without it."""
    if "opentelemetry" not in sys.modules:
        return lambda: None
    from opentelemetry import trace

    return getattr(trace.get_tracer_provider(), "force_flush", lambda: None)


mode, url, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
flush = flush_of_sdk()
if mode == "requests":
    get = requests_get(url)
else:
    get = pycurl_get(url)
    if mode == "by-hand":
        get, flush = traced_by_hand(get, url)
for _ in range(WARM_UP):
    assert get() == 200
flush()
before = cpu_seconds()
for _ in range(count):
    get()
flush()
print((cpu_seconds() - before) / count * 1e6)
