"""A strict OTLP/HTTP receiver on the official protobufs.

Receivers in the field accept much that is wrong. This one refuses, with a reason, whatever the specification forbids and a reader
would stumble over: identifiers, times, flags, attribute names given twice, empty envelopes, an incomplete resource, wrong headers.
"""

import gzip
import socket
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Status

SCHEMA_URL = "https://opentelemetry.io/schemas/1.44.0"
# https://opentelemetry.io/docs/specs/semconv/resource/: what every SDK has to send, and what this one always can.
REQUIRED_RESOURCE = {
    "service.name",
    "service.instance.id",
    "telemetry.sdk.name",
    "telemetry.sdk.language",
    "telemetry.sdk.version",
    "telemetry.distro.name",
    "telemetry.distro.version",
    "process.pid",
    "host.name",
    "os.type",
}
# trace.proto, SpanFlags: bits 0-7 are the W3C trace flags, 8 and 9 say whether the parent is remote; the others must be zero.
KNOWN_FLAGS = 0x3FF
W3C_FLAGS = 0x03


def value_of(any_value):
    """The Python value of an AnyValue."""
    which = any_value.WhichOneof("value")
    if which is None:
        return None
    value = getattr(any_value, which)
    if which == "array_value":
        return [value_of(item) for item in value.values]
    if which == "kvlist_value":
        return {pair.key: value_of(pair.value) for pair in value.values}
    return value


@dataclass(frozen=True)
class Span:
    """One received span with everything it belongs to. Times are Unix nanoseconds, identifiers lower-case hexadecimal."""

    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_span_id: str
    start: int
    end: int
    attributes: dict
    dropped_attributes: int
    status: int
    status_message: str
    flags: int
    trace_state: str
    scope: str
    resource: dict = field(repr=False)

    @property
    def service(self):
        return self.resource["service.name"]

    @property
    def error(self):
        return self.attributes.get("error.type")


STATUS_UNSET, STATUS_ERROR = Status.STATUS_CODE_UNSET, Status.STATUS_CODE_ERROR


def attributes_of(pairs, where, problems):
    found = {}
    for pair in pairs:
        if not pair.key:
            problems.append(f"{where}: an attribute without a name")
        if pair.key in found:
            problems.append(f"{where}: attribute {pair.key} twice")
        found[pair.key] = value_of(pair.value)
    return found


def check_span(span, now):
    """What is wrong with a Span message, as sentences."""
    problems = []
    if len(span.trace_id) != 16 or not any(span.trace_id):
        problems.append(f"trace_id is {span.trace_id.hex() or 'empty'}")
    if len(span.span_id) != 8 or not any(span.span_id):
        problems.append(f"span_id is {span.span_id.hex() or 'empty'}")
    if len(span.parent_span_id) not in (0, 8) or (span.parent_span_id and not any(span.parent_span_id)):
        problems.append(f"parent_span_id is {span.parent_span_id.hex()}")
    if span.parent_span_id == span.span_id:
        problems.append("the span is its own parent")
    if not span.name:
        problems.append("the name is empty")
    if not 0 < span.start_time_unix_nano <= span.end_time_unix_nano:
        problems.append(f"it starts at {span.start_time_unix_nano} and ends at {span.end_time_unix_nano}")
    # A day: a span of yesterday or of tomorrow is a wrong clock, not a slow relay.
    if abs(span.end_time_unix_nano - now) > 86_400_000_000_000:
        problems.append(f"it ends at {span.end_time_unix_nano}, now is {now}")
    if span.kind == 0:
        problems.append("the kind is unspecified")
    if span.flags & ~KNOWN_FLAGS or span.flags & 0xFF & ~W3C_FLAGS:
        problems.append(f"flags are {span.flags:#x}")
    if span.flags & 0x200 and not span.flags & 0x100:
        problems.append("flags say 'remote parent' without saying that this is known")
    if span.status.message and span.status.code != STATUS_ERROR:
        problems.append("a status message without an error")
    return problems


def check_headers(headers):
    problems = []
    if headers.get("Content-Type") != "application/x-protobuf":
        problems.append(f"Content-Type is {headers.get('Content-Type')}")
    if "OTel-OTLP-Exporter-Swift/" not in headers.get("User-Agent", ""):
        problems.append(f"User-Agent is {headers.get('User-Agent')}")
    if "traceparent" in headers:
        problems.append("the exporter's own request carries a traceparent: the relay traces itself")
    return problems


def read_request(request):
    """The spans of an ExportTraceServiceRequest, and what is wrong with it."""
    spans, problems = [], []
    now = time.time_ns()
    if not request.resource_spans:
        problems.append("a request without spans")
    for resource_spans in request.resource_spans:
        resource = attributes_of(resource_spans.resource.attributes, "resource", problems)
        missing = REQUIRED_RESOURCE - resource.keys()
        if missing:
            problems.append(f"the resource lacks {', '.join(sorted(missing))}")
        if resource_spans.schema_url != SCHEMA_URL:
            problems.append(f"the resource's schema URL is {resource_spans.schema_url!r}")
        if not resource_spans.scope_spans:
            problems.append("a resource without scopes")
        for scope_spans in resource_spans.scope_spans:
            if not scope_spans.scope.name or not scope_spans.scope.version:
                problems.append("a scope without a name or a version")
            if scope_spans.schema_url != SCHEMA_URL:
                problems.append(f"the scope's schema URL is {scope_spans.schema_url!r}")
            if not scope_spans.spans:
                problems.append("a scope without spans")
            for span in scope_spans.spans:
                problems += [f"span {span.name!r}: {problem}" for problem in check_span(span, now)]
                spans.append(
                    Span(
                        name=span.name,
                        kind=span.kind,
                        trace_id=span.trace_id.hex(),
                        span_id=span.span_id.hex(),
                        parent_span_id=span.parent_span_id.hex(),
                        start=span.start_time_unix_nano,
                        end=span.end_time_unix_nano,
                        attributes=attributes_of(span.attributes, f"span {span.name!r}", problems),
                        dropped_attributes=span.dropped_attributes_count,
                        status=span.status.code,
                        status_message=span.status.message,
                        flags=span.flags,
                        trace_state=span.trace_state,
                        scope=scope_spans.scope.name,
                        resource=resource,
                    )
                )
    return spans, problems


def decoded(handler, body):
    """The body as it was before Content-Encoding."""
    encoding = handler.headers.get("Content-Encoding", "identity")
    return gzip.decompress(body) if encoding == "gzip" else body


def span_ids(handler, body):
    request = ExportTraceServiceRequest.FromString(decoded(handler, body))
    return [span.span_id.hex() for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans]


class Receiver:
    """Listens on loopback, on a free port unless one is given, until `stop`. Threads: handlers append under `changed`; readers take it to look."""

    def __init__(self, port=0, on_spans=None, tls=None, is_listening=True):
        self.spans = []
        self.problems = []
        self.requests = []
        # Span ids of requests that were not answered well, one entry for each time.
        self.offered = []
        # Empty requests of `otel-relay check`.
        self.checks = 0
        # "ok", "hang", an HTTP status code that refuses everything, or a function of harness.faults that answers in its own way.
        self.mode = "ok"
        # What is wrong with a request's headers, as sentences.
        self.check_headers = check_headers
        # An ssl.SSLContext; connections from now on have it.
        self.tls = tls
        self.changed = threading.Condition()
        self.released = threading.Event()
        self._on_spans = on_spans
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                receiver._receive(self)

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 1024

            def finish_request(self, request, address):
                # In the connection's own thread: a handshake that hangs must not stop the others.
                if not receiver.tls:
                    return super().finish_request(request, address)
                with self.handshake(request) as secured:
                    super().finish_request(secured, address)

            def handshake(self, request):
                wrapped = receiver.tls.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
                try:
                    wrapped.do_handshake()
                except OSError:
                    # To the end of what the client says: closed with unread bytes, the connection is reset, and takes our alert with it.
                    with socket.socket(fileno=wrapped.detach()) as plain:
                        plain.shutdown(socket.SHUT_WR)
                        while plain.recv(65536):
                            pass
                    raise
                return wrapped

            def shutdown_request(self, request):
                try:
                    super().shutdown_request(request)
                except OSError:  # It has been detached.
                    pass

            def handle_error(self, *_):  # A relay that was killed: nothing to report.
                pass

        self._server = Server(("127.0.0.1", port), Handler, bind_and_activate=False)
        self._server.server_bind()
        self.port = self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.is_listening = False
        if is_listening:
            self.listen()

    def listen(self):
        """Until then every connection is refused, and nobody else gets the port."""
        self._server.server_activate()
        self.is_listening = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def _receive(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        if self.mode == "hang":
            self.released.wait()
            handler.close_connection = True
            return
        if callable(self.mode):
            with self.changed:
                self.offered += span_ids(handler, body)
                self.requests.append(dict(handler.headers))
                self.changed.notify_all()
            self.mode(handler)
            return
        status, answer = 200, ExportTraceServiceResponse().SerializeToString()
        if self.mode != "ok":
            status, answer = self.mode, b""
        elif "(check)" in handler.headers.get("User-Agent", ""):
            status = self._check(handler, body)
        else:
            status = self._take(handler, body)
        handler.send_response(status)
        handler.send_header("Content-Type", "application/x-protobuf")
        handler.send_header("Content-Length", str(len(answer)))
        handler.end_headers()
        handler.wfile.write(answer)

    def _check(self, handler, body):
        problems = self.check_headers(handler.headers)
        if decoded(handler, body):
            problems.append("a check that is not empty")
        with self.changed:
            self.checks += 1
            self.problems += problems
            self.requests.append(dict(handler.headers))
        return 400 if problems else 200

    def _take(self, handler, body):
        status, problems = 200, self.check_headers(handler.headers)
        if handler.path != "/v1/traces":
            status, problems = 404, [*problems, f"the path is {handler.path}"]
        request, spans = ExportTraceServiceRequest(), []
        try:
            request.ParseFromString(decoded(handler, body))
            spans, found = read_request(request)
            problems += found
        except Exception as error:  # noqa: BLE001 - whatever the decoder says is the finding
            problems.append(f"not an ExportTraceServiceRequest: {error!r}")
        with self.changed:
            self.requests.append(dict(handler.headers))
            self.problems += problems
            self.spans += spans
            self.changed.notify_all()
        if self._on_spans:
            self._on_spans(spans)
        return max(status, 400) if problems else status

    def wait(self, count, timeout=20, where=lambda span: True):
        """Waits until `count` spans that match have arrived, and returns those that have when it is so or time is up."""
        deadline = time.monotonic() + timeout
        with self.changed:
            while True:
                found = [span for span in self.spans if where(span)]
                left = deadline - time.monotonic()
                if len(found) >= count or left <= 0:
                    return found
                self.changed.wait(left)

    def wait_until(self, condition, timeout=20):
        """Waits until `condition(spans)` holds; returns whether it does."""
        deadline = time.monotonic() + timeout
        with self.changed:
            while not condition(self.spans):
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self.changed.wait(left)
            return True

    def clear(self):
        with self.changed:
            self.spans, self.requests = [], []

    def stop(self):
        self.released.set()
        if self.is_listening:
            self._server.shutdown()
        self._server.server_close()
