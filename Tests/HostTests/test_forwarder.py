"""examples/forwarder hands context on by itself; with OTEL_NATIVE_CURL_REPARENT its requests are spans between its caller's and its server's.

The cases are those of W3C Trace Context, Level 2 (https://www.w3.org/TR/trace-context-2/), as far as they concern who forwards. W3C's own suite is run by
scripts/w3c-trace-context.
"""

import contextlib
import http.client
import json
import re
import subprocess

import pytest

from harness import programs
from harness.agent import REPOSITORY

TRACE, SPAN = "12345678901234567890123456789012", "1234567890123456"
PARENT = f"00-{TRACE}-{SPAN}-01"


class Service:
    """Posts to the forwarder and tells what reached `web`."""

    def __init__(self, port, web):
        self.port, self.web = port, web

    def forward(self, *headers, count=1):
        before = len(self.web.requests)
        calls = [{"url": f"{self.web.url}/{n}", "arguments": [{"n": n, "text": 'a"]\\'}]} for n in range(count)]
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        body = json.dumps(calls)
        connection.putrequest("POST", "/")
        for name, value in [*headers, ("Content-Type", "application/json"), ("Content-Length", str(len(body)))]:
            connection.putheader(name, value)
        connection.endheaders(body.encode())
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, b"[]")
        connection.close()
        requests = self.web.requests[before:]
        assert [json.loads(request.body) for request in requests] == [call["arguments"] for call in calls]
        return requests


@contextlib.contextmanager
def forwarder(agent, web, environment, compiler=None):
    """It says nothing on standard error: no request of its own fails, and no sanitizer has anything to say."""
    source = REPOSITORY / "examples/forwarder/forwarder.c"
    program = programs.build(f"forwarder-{'-'.join(compiler)}" if compiler else "forwarder", source, libraries=["-lcurl"], compiler=compiler)
    process = agent.start(program, environment=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield Service(int(process.stdout.readline()), web)
    finally:
        process.terminate()
        said = process.communicate()[1]
    assert said == ""


@pytest.fixture
def service(agent, web):
    with forwarder(agent, web, agent.environment(OTEL_NATIVE_CURL_REPARENT="true")) as service:
        yield service


def parts(request):
    match = re.fullmatch("00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})", request.traceparent)
    assert match, request.traceparent
    return match[1], match[2], int(match[3], 16)


def state(request):
    """Several fields count as one list."""
    members = [member.strip() for value in request.values("tracestate") for member in value.split(",")]
    return [member for member in members if member]


def test_nothing_came(service):
    (request,) = service.forward()
    parts(request)
    assert state(request) == []


@pytest.mark.parametrize("name", ["traceparent", "TraceParent", "TrAcEpArEnT", "TRACEPARENT"])
@pytest.mark.parametrize("value", [PARENT, f"\t {PARENT} \t", f"cc-{TRACE}-{SPAN}-01", f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like"])
def test_the_request_is_a_child_of_what_came(agent, receiver, service, name, value):
    (request,) = service.forward((name, value))
    trace, span_id, flags = parts(request)
    (span,) = receiver.wait(1)
    assert (trace, flags & 1) == (TRACE, 1)
    assert span_id == span.span_id != SPAN
    assert (span.trace_id, span.parent_span_id, span.flags & 0x300) == (TRACE, SPAN, 0x300)


WRONG = [
    f"{PARENT}.", f"{PARENT}-what-the-future-will-be-like", f"cc-{TRACE}-{SPAN}-01.what-the-future-will-be-like", f"ff-{TRACE}-{SPAN}-01", f".0-{TRACE}-{SPAN}-01", f"0.-{TRACE}-{SPAN}-01",
    f"000-{TRACE}-{SPAN}-01", f"0-{TRACE}-{SPAN}-01", f"00-{32 * '0'}-{SPAN}-01", f"00-.{TRACE[1:]}-{SPAN}-01", f"00-{TRACE[:-1]}.-{SPAN}-01", f"00-{TRACE}3-{SPAN}-01",
    f"00-{TRACE[:-1]}-{SPAN}-01", f"00-{TRACE}-{16 * '0'}-01", f"00-{TRACE}-.{SPAN[1:]}-01", f"00-{TRACE}-{SPAN}7-01", f"00-{TRACE}-{SPAN[:-1]}-01", f"00-{TRACE}-{SPAN}-.0",
    f"00-{TRACE}-{SPAN}-001", f"00-{TRACE}-{SPAN}-1", f"00-{TRACE.replace('2', 'A')}-{SPAN}-01", "", "nonsense",
]  # fmt: skip


@pytest.mark.parametrize("value", WRONG)
def test_what_is_invalid_is_a_new_trace_without_its_state(service, value):
    (request,) = service.forward(("traceparent", value), ("tracestate", "foo=1"))
    trace, _, _ = parts(request)
    assert trace != TRACE and TRACE[:-1] not in trace and int(trace, 16) != 0
    assert state(request) == []


def test_two_are_none(service):
    (request,) = service.forward(("traceparent", PARENT[:34] + "1" + PARENT[35:]), ("traceparent", PARENT))
    assert parts(request)[0][:31] != TRACE[:31]


@pytest.mark.parametrize("name", ["trace-parent", "trace.parent"])
def test_other_names(service, name):
    (request,) = service.forward((name, PARENT))
    assert parts(request)[0] != TRACE


@pytest.mark.parametrize("flags, expected", [("00", 0), ("01", 1), ("02", 2), ("03", 3), ("ff", 3)])
def test_flags(service, flags, expected):
    (request,) = service.forward(("traceparent", f"00-{TRACE}-{SPAN}-{flags}"))
    assert parts(request)[::2] == (TRACE, expected)


LONGEST = "z" * 256
MEMBERS = [f"bar{n:02}={n:02}" for n in range(1, 34)]
CHARACTERS = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) not in ",=")


@pytest.mark.parametrize(
    "fields, expected",
    [
        (["foo=1,bar=2"], ["foo=1", "bar=2"]),
        (["foo=1", "bar=2,baz=3"], ["foo=1", "bar=2", "baz=3"]),
        ([""], []),
        (["foo=1", ""], ["foo=1"]),
        (["", "foo=1"], ["foo=1"]),
        (["foo=1,foo=2"], ["foo=1", "foo=2"]),
        (["foo=1 \t , \t bar=2, \t baz=3"], ["foo=1", "bar=2", "baz=3"]),
        ([f"abcdefghijklmnopqrstuvwxyz0123456789_-*/@a={CHARACTERS}"], [f"abcdefghijklmnopqrstuvwxyz0123456789_-*/@a={CHARACTERS}"]),
        (["foo@=1,foo@@bar=1,foo@bar@baz=1"], ["foo@=1", "foo@@bar=1", "foo@bar@baz=1"]),
        (["foo=1", f"{LONGEST}=1"], ["foo=1", f"{LONGEST}=1"]),
        ([",".join(MEMBERS[:10]), ",".join(MEMBERS[10:32])], MEMBERS[:32]),
        ([",".join(MEMBERS[:10]), ",".join(MEMBERS[10:33])], []),
        (["foo =1"], []), (["FOO=1"], []), (["foo.bar=1"], []), (["@foo=1,bar=2"], []), (["foo=1", f"z{LONGEST}=1"], []), (["foo=bar=baz"], []), (["foo=,bar=3"], []), (["foo=1", "bar"], []),
    ],
)  # fmt: skip
def test_trace_state(service, fields, expected):
    headers = [("TraceState" if index % 2 else "tracestate", value) for index, value in enumerate(fields)]
    (request,) = service.forward(headers[0], ("traceparent", PARENT), *headers[1:])
    assert parts(request)[0] == TRACE
    assert state(request) == expected


@pytest.mark.parametrize("value", ["foo=1", "foo=1,bar=2"])
def test_a_state_alone_is_none(service, value):
    (request,) = service.forward(("tracestate", value))
    assert state(request) == []


@pytest.mark.parametrize("given", [[("traceparent", PARENT)], [], [("traceparent", f"00-{32 * '0'}-{SPAN}-01")]])
def test_several_requests(service, given):
    found = [parts(request) for request in service.forward(*given, count=3)]
    assert len({span for _, span, _ in found}) == 3
    assert (TRACE in {trace for trace, _, _ in found}) == (given == [("traceparent", PARENT)])


def test_baggage_and_other_headers_are_left(service):
    (request,) = service.forward(("traceparent", PARENT), ("baggage", "a=1;p"), ("Baggage", "b=2"), ("X-Other", "x"))
    assert request.values("baggage") == ["a=1;p", "b=2"]
    names = {name.lower() for name, _ in request.headers}
    assert names == {"host", "accept", "content-type", "content-length", "traceparent", "baggage"}


def test_other_formats(agent, web):
    """Whichever came, all that are configured are sent; each once."""
    with forwarder(agent, web, agent.environment(OTEL_NATIVE_CURL_REPARENT="true", OTEL_PROPAGATORS="tracecontext,b3,b3multi,jaeger")) as service:
        (request,) = service.forward(("b3", f"{TRACE}-{SPAN}-1"), ("X-B3-TraceId", "1"), ("X-B3-ParentSpanId", SPAN))
        trace, span, _ = parts(request)
        assert trace == TRACE and span != SPAN
        assert request.values("b3") == [f"{TRACE}-{span}-1"]
        assert request.values("X-B3-TraceId") == [TRACE]
        assert request.values("uber-trace-id") == [f"{TRACE}:{span}:0:1"]
        assert request.values("X-B3-ParentSpanId") == []


def test_lists_of_any_length_with_addresses_watched(agent, web):
    """The nodes in front of a hidden header are copied as far as there is room. Behind more the request stays as it is."""
    environment = agent.environment(OTEL_NATIVE_CURL_REPARENT="true", OTEL_PROPAGATORS="tracecontext,b3", BAGGAGE="k=v", OTEL_TRACES_EXPORTER="none")
    with forwarder(agent, web, environment, ("clang", "-fsanitize=address")) as service:
        for count in (0, 1, 20, 60):
            baggage = [("baggage", f"n{n}=x") for n in range(count)]
            before, behind = service.forward(*baggage, ("traceparent", PARENT)), service.forward(("traceparent", PARENT), *baggage)
            for (request,) in (before, behind):
                assert len(request.values("baggage")) == count
                assert request.traceparent[3:35] == TRACE
                assert (request.traceparent == PARENT) == (count == 60 and request is before[0])


@pytest.mark.parametrize("value", [None, "false", "1"])
def test_without_the_setting_what_is_handed_on_is_left_as_it_is(agent, receiver, web, value):
    with forwarder(agent, web, agent.environment(OTEL_NATIVE_CURL_REPARENT=value)) as service:
        (request,) = service.forward(("TraceParent", PARENT), ("tracestate", "FOO"))
    assert request.traceparent == PARENT and request.values("tracestate") == ["FOO"]
    (span,) = receiver.wait(1)
    assert (span.trace_id, span.parent_span_id) == (TRACE, SPAN)


def test_without_the_agent(agent, web):
    with forwarder(agent, web, agent.bare_environment(OTEL_NATIVE_CURL_REPARENT="true")) as service:
        (request,) = service.forward(("TraceParent", PARENT), ("tracestate", ""))
    assert request.traceparent == PARENT and request.values("tracestate") == [""]
