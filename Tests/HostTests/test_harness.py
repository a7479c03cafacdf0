"""The harness's own controls: a receiver that accepts everything, or a twin that sees nothing, would prove nothing."""

import time
import urllib.error
import urllib.request

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from harness import programs
from harness.receiver import REQUIRED_RESOURCE, SCHEMA_URL, Receiver, read_request
from harness.twin import outcome


def valid_request():
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add(schema_url=SCHEMA_URL)
    for name in sorted(REQUIRED_RESOURCE):
        resource_spans.resource.attributes.add(key=name).value.string_value = "x"
    scope_spans = resource_spans.scope_spans.add(schema_url=SCHEMA_URL)
    scope_spans.scope.name, scope_spans.scope.version = "scope", "1"
    now = time.time_ns()
    scope_spans.spans.add(
        trace_id=bytes(range(16)), span_id=bytes(range(8)), name="GET", kind=3, start_time_unix_nano=now - 10, end_time_unix_nano=now
    )
    return request, scope_spans.spans[0]


def test_a_valid_request_has_no_problem():
    request, _ = valid_request()
    spans, problems = read_request(request)
    assert (len(spans), problems) == (1, [])


@pytest.mark.parametrize(
    "damage",
    [
        lambda span: setattr(span, "trace_id", bytes(16)),
        lambda span: setattr(span, "trace_id", b"short"),
        lambda span: setattr(span, "span_id", bytes(8)),
        lambda span: setattr(span, "parent_span_id", span.span_id),
        lambda span: setattr(span, "parent_span_id", bytes(8)),
        lambda span: setattr(span, "name", ""),
        lambda span: setattr(span, "kind", 0),
        lambda span: setattr(span, "end_time_unix_nano", span.start_time_unix_nano - 1),
        lambda span: setattr(span, "start_time_unix_nano", 0),
        lambda span: setattr(span, "end_time_unix_nano", span.end_time_unix_nano * 2),
        lambda span: setattr(span, "flags", 1 << 12),
        lambda span: setattr(span, "flags", 0x200),
        lambda span: setattr(span.status, "message", "but it is unset"),
        lambda span: [span.attributes.add(key="twice") for _ in range(2)],
        lambda span: span.attributes.add(key=""),
    ],
)
def test_a_damaged_span_is_refused(damage):
    request, span = valid_request()
    damage(span)
    assert len(read_request(request)[1]) == 1


def test_an_incomplete_resource_is_refused():
    request, _ = valid_request()
    del request.resource_spans[0].resource.attributes[0]
    assert len(read_request(request)[1]) == 1


def test_wrong_headers_and_bytes_are_refused():
    receiver = Receiver()
    try:
        wrong = urllib.request.Request(f"{receiver.url}/v1/traces", b"\xff\xff", {"Content-Type": "text/plain"})
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(wrong)
        text = "\n".join(receiver.problems)
        assert "Content-Type" in text and "User-Agent" in text and "not an ExportTraceServiceRequest" in text
    finally:
        receiver.stop()


def test_the_observer_shows_what_an_agent_could_change(agent, acceptor):
    """A descriptor, a variable or an ignored signal more is a difference."""
    observer = programs.build("observer")

    def observed(change):
        return outcome(agent.run_bare("sh", "-c", f'{change}; exec "$@"', "sh", observer, acceptor), agent)

    plain = observed(":")
    for change in ("exec 9</dev/null", "export MORE=1", "trap '' USR2", "umask 077", "ulimit -c 1", "cd /"):
        assert observed(change) != plain, change
    assert observed(":") == plain
