"""Debian's curl, unmodified: every request is one CLIENT span, exactly as the HTTP conventions want it."""

import re

import pytest

from harness import programs
from harness.agent import wait_until
from harness.receiver import STATUS_ERROR, STATUS_UNSET
from harness.webserver import WebServer, closed_port

CLIENT = 3
SCOPE = "otelagent.instrumentation.curl"
PARENT_TRACE, PARENT_SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{PARENT_TRACE}-{PARENT_SPAN}-01"


def request_attributes(web, url, method="GET", status=200):
    """Required, conditionally required and recommended attributes of a request that was answered, and no others."""
    return {
        "http.request.method": method,
        "server.address": "127.0.0.1",
        "server.port": web.port,
        "url.full": url,
        "http.response.status_code": status,
        "network.protocol.version": "1.1",
        "network.peer.address": "127.0.0.1",
        "network.peer.port": web.port,
    }


def curl(agent, receiver, *arguments, exit_status=0, **variables):
    """Runs one curl under the agent and returns its only span."""
    done = agent.run("curl", "-sS", *arguments, **variables)
    assert done.returncode == exit_status, done.stderr
    spans = receiver.wait(1)
    assert len(spans) == 1, f"{len(spans)} spans\n{agent.relay_status().stdout}\n{agent.log()}"
    return spans[0]


def assert_carried(span, request):
    """The server saw this very span's context."""
    match = re.fullmatch("00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})", request.traceparent)
    assert match, request.traceparent
    assert (match[1], match[2]) == (span.trace_id, span.span_id)
    assert int(match[3], 16) == span.flags & 0xFF


@pytest.mark.parametrize(
    "arguments, method",
    [
        ([], "GET"),
        (["-d", "a=1"], "POST"),
        (["-I"], "HEAD"),
        (["-X", "PUT", "-d", "x"], "PUT"),
        (["-X", "DELETE"], "DELETE"),
        (["-X", "OPTIONS"], "OPTIONS"),
        (["-X", "PATCH", "-d", "x"], "PATCH"),
    ],
)
def test_method(agent, receiver, web, arguments, method):
    url = f"{web.url}/path?color=blue"
    span = curl(agent, receiver, *arguments, url)
    assert span.attributes == request_attributes(web, url, method)
    assert (span.name, span.kind, span.scope) == (method, CLIENT, SCOPE)
    assert (span.status, span.status_message, span.parent_span_id) == (STATUS_UNSET, "", "")
    assert span.flags & 0x03 == 0x03  # sampled, and the trace id is random
    assert [request.method for request in web.requests] == [method]
    assert_carried(span, web.requests[0])


@pytest.mark.parametrize("status", [404, 500])
def test_error_status(agent, receiver, web, status):
    url = f"{web.url}/status/{status}"
    span = curl(agent, receiver, url)
    assert span.attributes == request_attributes(web, url, status=status) | {"error.type": str(status)}
    assert (span.status, span.status_message) == (STATUS_ERROR, "")


@pytest.mark.parametrize("method", ["FOO", "get"])
def test_unknown_method(agent, receiver, web, method):
    span = curl(agent, receiver, "-X", method, f"{web.url}/")
    expected = request_attributes(web, f"{web.url}/", "_OTHER") | {"http.request.method_original": method}
    assert span.attributes == expected
    assert span.name == "HTTP"
    assert web.requests[0].method == method


def test_refused(agent, receiver):
    port = closed_port()
    span = curl(agent, receiver, f"http://127.0.0.1:{port}/", exit_status=7)
    assert span.status == STATUS_ERROR
    assert span.error == "connection_error"
    assert span.attributes["server.port"] == port
    assert "http.response.status_code" not in span.attributes
    assert "network.protocol.version" not in span.attributes


def test_unknown_host(agent, receiver):
    # RFC 6761: .invalid never resolves.
    span = curl(agent, receiver, "http://no-such-host.invalid/x", exit_status=6)
    assert span.attributes == {
        "http.request.method": "GET",
        "server.address": "no-such-host.invalid",
        "server.port": 80,
        "url.full": "http://no-such-host.invalid/x",
        "error.type": "name_resolution_error",
    }
    assert span.status == STATUS_ERROR


def test_timeout(agent, receiver, web):
    span = curl(agent, receiver, "-m", "0.2", f"{web.url}/slow", exit_status=28)
    assert (span.status, span.error) == (STATUS_ERROR, "timeout")


def test_redirect_is_one_span_with_the_url_that_was_asked_for(agent, receiver, web):
    span = curl(agent, receiver, "-L", f"{web.url}/redirect")
    assert span.attributes["url.full"] == f"{web.url}/redirect"
    assert span.attributes["http.response.status_code"] == 200
    assert [request.target for request in web.requests] == ["/redirect", "/status/200"]


def test_two_urls_are_two_traces(agent, receiver, web):
    assert agent.run("curl", "-sS", f"{web.url}/1", f"{web.url}/2").returncode == 0
    spans = receiver.wait(2)
    assert sorted(span.attributes["url.full"] for span in spans) == [f"{web.url}/1", f"{web.url}/2"]
    assert len({span.trace_id for span in spans}) == 2
    for span, request in zip(sorted(spans, key=lambda span: span.start), web.requests):
        assert_carried(span, request)


def test_ipv6_literal(agent, receiver):
    try:
        web = WebServer("::1")
    except OSError as error:
        pytest.skip(f"no IPv6 on loopback here: {error}")
    try:
        span = curl(agent, receiver, "-g", f"{web.url}/")
        assert span.attributes["server.address"] == "::1"
        assert span.attributes["network.peer.address"] == "::1"
        assert span.attributes["url.full"] == f"{web.url}/"
    finally:
        web.stop()


def test_the_users_headers_arrive_as_they_were(agent, receiver, web):
    span = curl(agent, receiver, "-H", "X-One: 1", "-H", "X-Two: 2", "-H", "User-Agent: mine", "-H", "Accept:", f"{web.url}/")
    request = web.requests[0]
    names = [name for name, _ in request.headers]
    assert sorted(names) == sorted(["Host", "X-One", "X-Two", "User-Agent", "traceparent"])
    assert (request.values("X-One"), request.values("X-Two"), request.values("User-Agent")) == (["1"], ["2"], ["mine"])
    assert_carried(span, request)


def test_the_wire_differs_by_one_header(agent, receiver, web):
    agent.run_bare("curl", "-sS", "-d", "a=1", f"{web.url}/")
    curl(agent, receiver, "-d", "a=1", f"{web.url}/")
    bare, traced = web.requests
    assert bare.traceparent is None
    assert [header for header in traced.headers if header[0].lower() != "traceparent"] == bare.headers
    assert traced.body == bare.body


@pytest.mark.parametrize("name", ["traceparent", "Traceparent", "TRACEPARENT"])
def test_the_requests_own_traceparent_is_kept_and_is_the_parent(agent, receiver, web, name):
    span = curl(agent, receiver, "-H", f"{name}: {PARENT}", f"{web.url}/")
    assert web.requests[0].traceparent == PARENT
    assert (span.trace_id, span.parent_span_id) == (PARENT_TRACE, PARENT_SPAN)


@pytest.mark.parametrize("state, recorded", [("a=1,b=2", "a=1,b=2"), ("FOO=1", ""), ("", "")])
def test_the_requests_own_tracestate_is_kept_and_is_the_spans(agent, receiver, web, state, recorded):
    span = curl(agent, receiver, "-H", f"traceparent: {PARENT}", "-H", f"TraceState: {state}" if state else "TraceState;", f"{web.url}/", TRACESTATE="c=3")
    assert span.trace_state == recorded
    assert web.requests[0].values("tracestate") == [state]


def test_environment_parent(agent, receiver, web):
    span = curl(agent, receiver, f"{web.url}/", TRACEPARENT=PARENT, TRACESTATE="vendor=value,other=1")
    assert (span.trace_id, span.parent_span_id) == (PARENT_TRACE, PARENT_SPAN)
    assert span.flags & 0x300 == 0x300  # known to be remote
    assert span.trace_state == "vendor=value,other=1"
    assert_carried(span, web.requests[0])
    assert web.requests[0].values("tracestate") == ["vendor=value,other=1"]


@pytest.mark.parametrize(
    "parent",
    [
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        f"00-{PARENT_TRACE}-0000000000000000-01",
        f"ff-{PARENT_TRACE}-{PARENT_SPAN}-01",
        f"00-{PARENT_TRACE.upper()}-{PARENT_SPAN}-01",
        f"{PARENT}-extra",
        "00-short-01",
    ],
)
def test_invalid_environment_parent_is_none(agent, receiver, web, parent):
    # https://www.w3.org/TR/trace-context/#traceparent-header-field-values: not valid, so a new trace begins.
    span = curl(agent, receiver, f"{web.url}/", TRACEPARENT=parent, TRACESTATE="vendor=value")
    assert span.trace_id != PARENT_TRACE
    assert span.parent_span_id == ""
    assert web.requests[0].values("tracestate") == []


def test_a_later_version_of_traceparent_is_read_as_far_as_known(agent, receiver, web):
    span = curl(agent, receiver, f"{web.url}/", TRACEPARENT=f"01-{PARENT_TRACE}-{PARENT_SPAN}-01-more")
    assert (span.trace_id, span.parent_span_id) == (PARENT_TRACE, PARENT_SPAN)
    assert web.requests[0].traceparent.startswith("00-")


SECRETS = [
    "X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token", "AWSAccessKeyId", "Signature", "sig", "X-Goog-Signature",
    "token", "access_token", "key", "api_key", "password", "passwd", "secret", "code", "session", "sessionid", "jwt", "auth",
]  # fmt: skip


@pytest.mark.parametrize("name", SECRETS)
def test_secret_looking_query_values_never_leave(agent, receiver, web, name):
    query = f"?color=blue&{name}=canary-31415&page=2"
    span = curl(agent, receiver, f"{web.url}/p{query}")
    assert span.attributes["url.full"] == f"{web.url}/p?color=blue&{name}=REDACTED&page=2"
    assert "canary" not in repr(span) + agent.log() + agent.relay_status().stdout
    assert web.requests[0].target == f"/p{query}"  # the request itself is as it was


@pytest.mark.parametrize("userinfo, redacted", [("user:canary", "REDACTED:REDACTED"), ("canary", "REDACTED")])
def test_userinfo_never_leaves(agent, receiver, web, userinfo, redacted):
    span = curl(agent, receiver, f"http://{userinfo}@127.0.0.1:{web.port}/")
    assert span.attributes["url.full"] == f"http://{redacted}@127.0.0.1:{web.port}/"
    assert span.attributes["server.address"] == "127.0.0.1"
    assert "canary" not in repr(span)


def test_the_first_requests_of_many_threads(agent, receiver, web):
    """One of them makes the region. The others' requests, begun meanwhile, carry their context all the same, and are spans unless they ended meanwhile too: these are
    counted."""
    runs, threads = 20, 8
    for _ in range(runs):
        done = agent.run(programs.build("together", libraries=["-lcurl"]), threads, f"{web.url}/")
        assert (done.returncode, done.stdout, done.stderr) == (0, "0 failed\n", ""), done

    def arrived():
        report = agent.relay_report()["spans"]
        return report["sent"] + report["droppedByProcesses"]["attaching"] == runs * threads and report

    report = wait_until(arrived, timeout=10)
    assert report, agent.relay_status().stdout
    sent = {request.traceparent[36:52] for request in web.requests}
    assert len(web.requests) == len(sent) == runs * threads
    spans = receiver.wait(report["sent"])
    assert {span.span_id for span in spans} <= sent
    # Most of them.
    assert len(spans) > runs * threads * 3 // 4
