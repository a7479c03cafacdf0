"""libcurl's interfaces beside plain transfers: each request is one span, and a program built with AddressSanitizer says the same."""

import re
from collections import Counter

import pytest

from harness import programs
from harness.agent import wait_until
from harness.receiver import STATUS_UNSET
from test_multi import ANSWERED, TAKEN_OUT, by_target, results
from test_sanitizers import SWIFT_CLANG

PARENT_TRACE, PARENT_SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{PARENT_TRACE}-{PARENT_SPAN}-01"
# How many spans each kind makes at each target.
KINDS = {
    "share": {"/first": 1, "/shared": 40},
    "pause": {"/paused": 1},
    "connect": {"/afterwards": 1},
    "mime": {"/form": 1, "/no-form": 1},
    "callback": {"/outer": 1, "/other": 1, "/made": 1},
    "moves": {"/moved": 8},
    "lists": {"/first": 1, "/list": 24},
    "reuse": {"/reused": 60},
    "copies": {"/copied": 3, "/after-reset": 1},
    "many": {f"/{number}": 1 for number in range(100)} | {"/held": 20},
    "abort": {"/aborted": 1},
}


def build(kind):
    source = programs.SOURCES / "interfaces.c"
    if kind == "asan":
        flags = [SWIFT_CLANG, "-std=gnu11", "-fsanitize=address"]
        return programs.build("interfaces-asan", source, libraries=["-lcurl"], compiler=flags)
    return programs.build(f"interfaces-{kind}", source, libraries=[programs.FLAVOURS[kind]])


def seen(request):
    """A form's boundary is another one in each run."""
    headers = tuple((name, re.sub(r"-{8,}\w+", "", value)) for name, value in request.headers if name.lower() != "traceparent")
    return request.method, request.target, headers, re.sub(rb"-{8,}\w+", b"", request.body)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("flavour", [*programs.FLAVOURS, "asan"])
def test_interface(agent, receiver, web, kind, flavour):
    expected = Counter(KINDS[kind])
    count = sum(expected.values()) + (kind == "connect")
    program = build(flavour)
    runs = []
    for run in (agent.run_bare, agent.run):
        web.requests.clear()
        # What NSS and others keep for the process's life is no leak of the program's.
        done = run(program, kind, web.url, TRACEPARENT=PARENT, ASAN_OPTIONS="detect_leaks=0")
        assert done.returncode == 0, done.stdout + done.stderr
        # Those that are not answered the server may read after the program has ended.
        assert wait_until(lambda: len(web.requests) == count), Counter(request.target for request in web.requests)
        runs.append((done.stdout, done.stderr, Counter(seen(request) for request in web.requests)))
    assert runs[0] == runs[1]

    by_hand = [request for request in web.requests if request.target == "/by-hand"]
    assert not any(request.traceparent for request in by_hand)
    requests = [request for request in web.requests if request.target != "/by-hand"]
    # A mere connection is told as one.
    connects = 1 if kind == "connect" else 0
    spans = receiver.wait(count)
    assert Counter(span.name for span in spans if span.scope.endswith("sockets")) == Counter({f"socket connect 127.0.0.1:{web.port}": connects} if connects else {})
    receiver.spans[:] = [span for span in receiver.spans if span.scope.endswith("curl")]
    found = by_target(agent, receiver, requests)
    assert {target: len(spans) for target, spans in found.items()} == dict(expected)
    aborted = [(200, None, STATUS_UNSET)] if kind == "abort" else None
    for target, outcomes in results(found).items():
        assert outcomes == (aborted or [TAKEN_OUT if target == "/held" else ANSWERED] * expected[target])
    parents = {span.parent_span_id for target, spans in found.items() for span in spans if target not in ("/other", "/made")}
    assert parents == {PARENT_SPAN}
    if kind == "callback":
        outer = found["/outer"][0]
        for target in ("/other", "/made"):
            (inner,) = found[target]
            assert inner.parent_span_id == outer.span_id
            assert outer.start <= inner.start <= inner.end <= outer.end

