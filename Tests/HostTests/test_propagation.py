"""Context in every format: read from the environment and from a request's own headers, and sent on, with Debian's curl."""

import re

import pytest

from harness.twin import outcome, twin
from harness.webserver import WebServer

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HALF = TRACE[16:]
# By propagator: the headers that say a span, as they are sent.
SENT = {
    "tracecontext": {"traceparent": "00-{trace}-{span}-{flags:02x}"},
    "b3": {"b3": "{trace}-{span}-{sampled}"},
    "b3multi": {"X-B3-TraceId": "{trace}", "X-B3-SpanId": "{span}", "X-B3-Sampled": "{sampled}"},
    "jaeger": {"uber-trace-id": "{trace}:{span}:0:{sampled}"},
    "xray": {"X-Amzn-Trace-Id": "Root=1-{time}-{rest};Parent={span};Sampled={sampled}"},
    "ottrace": {"ot-tracer-traceid": "{half}", "ot-tracer-spanid": "{span}", "ot-tracer-sampled": "{word}"},
}
FORMATS = sorted(SENT)
NAMES = {name.lower() for headers in SENT.values() for name in headers} | {"tracestate", "baggage", "x-b3-flags", "x-b3-parentspanid"}


def headers(propagator, trace=TRACE, span=SPAN, flags=1):
    sampled = flags & 1
    return {
        name: form.format(trace=trace, span=span, flags=flags, sampled=sampled, time=trace[:8], rest=trace[8:], half=trace[16:], word="true" if sampled else "false")
        for name, form in SENT[propagator].items()
    }


def variables(propagator, **context):
    """As context travels in the environment (specification, context/env-carriers.md)."""
    return {name.upper().replace("-", "_"): value for name, value in headers(propagator, **context).items()}


def context(request):
    """What the request carries of all formats; each header once."""
    found = [(name, value) for name, value in request.headers if name.lower() in NAMES]
    assert len({name.lower() for name, _ in found}) == len(found), found
    return dict(found)


def one_span(agent, receiver, web, *arguments, **more):
    done = agent.run("curl", "-sS", *arguments, f"{web.url}/", **more)
    assert done.returncode == 0, done.stderr
    (span,) = receiver.wait(1)
    return span


def seen_trace(propagator):
    """ottrace has the lower half of a trace id alone."""
    return 16 * "0" + HALF if propagator == "ottrace" else TRACE


@pytest.mark.parametrize("propagator", FORMATS)
def test_sent(agent, receiver, web, propagator):
    span = one_span(agent, receiver, web, OTEL_PROPAGATORS=propagator)
    assert context(web.requests[0]) == headers(propagator, trace=span.trace_id, span=span.span_id, flags=span.flags & 3)
    assert span.parent_span_id == ""


@pytest.mark.parametrize("propagator", FORMATS)
@pytest.mark.parametrize("sampled", [1, 0])
def test_not_recorded_and_sent_all_the_same(agent, web, propagator, sampled):
    """The parent decides, and its children say so, in the same format."""
    agent.run("curl", "-sS", web.url, OTEL_PROPAGATORS=propagator, OTEL_TRACES_EXPORTER="none", **variables(propagator, flags=sampled))
    found = context(web.requests[0])
    expected = headers(propagator, trace=seen_trace(propagator), span="SPAN", flags=sampled)
    assert found.keys() == expected.keys()
    for name, form in expected.items():
        assert re.fullmatch(re.escape(form).replace("SPAN", "([0-9a-f]{16})"), found[name]), (name, found[name])
        assert SPAN not in found[name]


@pytest.mark.parametrize("propagator", FORMATS)
def test_parent_in_the_environment(agent, receiver, web, propagator):
    span = one_span(agent, receiver, web, OTEL_PROPAGATORS=propagator, **variables(propagator))
    assert (span.trace_id, span.parent_span_id) == (seen_trace(propagator), SPAN)
    assert span.flags & 0x300 == 0x300  # known to be remote
    assert context(web.requests[0]) == headers(propagator, trace=span.trace_id, span=span.span_id, flags=span.flags & 3)


@pytest.mark.parametrize("propagator", FORMATS)
@pytest.mark.parametrize("spelling", [str, str.upper, str.lower])
def test_own_headers_are_kept_and_are_the_parent(agent, receiver, web, propagator, spelling):
    own = {spelling(name): value for name, value in headers(propagator).items()}
    lines = [word for name, value in own.items() for word in ("-H", f"{name}: {value}")]
    # Nothing of another format, and no baggage, goes with what the program says itself.
    more = {"BAGGAGE": "k=v", "OTEL_PROPAGATORS": f"{propagator},baggage,tracecontext,b3"}
    span = one_span(agent, receiver, web, *lines, **more)
    assert (span.trace_id, span.parent_span_id) == (seen_trace(propagator), SPAN)
    assert context(web.requests[0]) == own


@pytest.mark.parametrize("propagator", FORMATS)
@pytest.mark.parametrize("how", ["{}:", "{};", "{}: nonsense"])
def test_own_headers_that_say_nothing_are_respected(agent, receiver, web, propagator, how):
    name = next(iter(SENT[propagator]))
    line = how.format(name)
    agent.run_bare("curl", "-sS", "-H", line, f"{web.url}/")
    span = one_span(agent, receiver, web, "-H", line, OTEL_PROPAGATORS=f"{propagator},baggage", BAGGAGE="k=v")
    assert span.parent_span_id == ""
    bare, traced = web.requests
    assert traced.headers == bare.headers


def test_all_of_them(agent, receiver, web):
    span = one_span(agent, receiver, web, OTEL_PROPAGATORS=",".join(FORMATS) + ",baggage", BAGGAGE="k=v;p", **variables("b3"), TRACESTATE="a=1")
    expected = {"baggage": "k=v;p"}
    for propagator in FORMATS:
        expected |= headers(propagator, trace=TRACE, span=span.span_id, flags=span.flags & 3)
    assert context(web.requests[0]) == expected
    # It did not come with a traceparent.
    assert span.trace_state == ""


def test_more_tracestate_than_is_carried(agent, receiver, web):
    """Whole members, those of more than 128 characters first, then from the right."""
    members = [f"{key}={'v' * (count - 2)}" for key, count in [("a", 128), ("b", 129), ("c", 128), ("d", 128), ("e", 128)]]
    span = one_span(agent, receiver, web, TRACESTATE=",".join(members), **variables("tracecontext"))
    kept = ",".join(members[:1] + members[2:4])
    assert web.requests[0].values("tracestate") == [kept] and span.trace_state == kept


def test_the_last_that_finds_one_counts(agent, receiver, web):
    both = variables("tracecontext") | {"B3": f"{TRACE[::-1]}-{SPAN[::-1]}-1", "UBER_TRACE_ID": "nonsense", "TRACESTATE": "a=1"}
    span = one_span(agent, receiver, web, OTEL_PROPAGATORS="tracecontext,b3,jaeger", **both)
    assert (span.trace_id, span.parent_span_id, span.trace_state) == (TRACE[::-1], SPAN[::-1], "")
    span = None
    done = agent.run("curl", "-sS", web.url, OTEL_PROPAGATORS="b3,jaeger,tracecontext", **both)
    assert done.returncode == 0
    spans = receiver.wait(2)
    (span,) = [span for span in spans if span.trace_id == TRACE]
    assert (span.parent_span_id, span.trace_state) == (SPAN, "a=1")
    assert web.requests[1].values("tracestate") == ["a=1"]


@pytest.mark.parametrize(
    "setting, expected",
    [
        ("b3,b3,tracecontext", ["b3", "traceparent", "tracestate"]),
        ("TraceContext, B3 ,tracecontext", ["traceparent", "b3", "tracestate"]),
        ("nonsense,jaeger", ["uber-trace-id"]),
        ("nonsense", ["traceparent", "tracestate", "baggage"]),
        (",,", ["traceparent", "tracestate", "baggage"]),
        ("", ["traceparent", "tracestate", "baggage"]),
        (None, ["traceparent", "tracestate", "baggage"]),
        ("none", []),
        ("NONE", []),
        ("nonsense,none", []),
        ("none,b3", ["b3"]),
        ("baggage", ["baggage"]),
        ("tracecontext", ["traceparent", "tracestate"]),
    ],
)
def test_the_list(agent, web, setting, expected):
    more = variables("tracecontext") | {"TRACESTATE": "a=1", "BAGGAGE": "k=v"}
    agent.run("curl", "-sS", web.url, OTEL_PROPAGATORS=setting, OTEL_TRACES_EXPORTER="none", **more)
    assert [name for name, _ in web.requests[0].headers if name.lower() in NAMES] == expected


def test_the_launcher_says_what_it_does_not_know(agent, web):
    done = agent.launch("curl", "-sS", web.url, OTEL_PROPAGATORS="b3,nonsense", OTEL_TRACES_EXPORTER="none")
    assert done.returncode == 0
    assert done.stderr.count("\n") == 1 and "OTEL_PROPAGATORS" in done.stderr and '"nonsense"' in done.stderr
    assert list(context(web.requests[0])) == ["b3"]
    done = agent.launch("curl", "-sS", web.url, OTEL_PROPAGATORS=",".join(FORMATS) + ",baggage", OTEL_TRACES_EXPORTER="none")
    assert (done.returncode, done.stderr) == (0, "")


def test_none_reads_nothing(agent, receiver, web):
    own = f"traceparent: 00-{TRACE}-{SPAN}-01"
    span = one_span(agent, receiver, web, "-H", own, OTEL_PROPAGATORS="none", **variables("tracecontext", trace=TRACE[::-1]))
    assert span.trace_id not in (TRACE, TRACE[::-1])
    assert span.parent_span_id == ""
    assert context(web.requests[0]) == {"traceparent": own.partition(": ")[2]}


@pytest.mark.parametrize("propagator, own", [("b3", {"B3": f"{TRACE}-{SPAN}-d"}), ("b3multi", {"X_B3_TRACEID": TRACE, "X_B3_SPANID": SPAN, "X_B3_FLAGS": "1"})])
def test_debug_is_kept(agent, receiver, web, propagator, own):
    """And implies that it is sampled; only B3 and Jaeger know of it."""
    span = one_span(agent, receiver, web, OTEL_PROPAGATORS=f"{propagator},b3,b3multi,jaeger,tracecontext", OTEL_TRACES_SAMPLER="parentbased_always_off", **own)
    assert span.flags & 0xFF == 1
    found = context(web.requests[0])
    assert found == {
        "b3": f"{TRACE}-{span.span_id}-d", "X-B3-TraceId": TRACE, "X-B3-SpanId": span.span_id, "X-B3-Flags": "1",
        "uber-trace-id": f"{TRACE}:{span.span_id}:0:3", "traceparent": f"00-{TRACE}-{span.span_id}-01",
    }  # fmt: skip


@pytest.mark.parametrize(
    "names",
    [{"_X_AMZN_TRACE_ID": SPAN}, {"_X_AMZN_TRACE_ID": SPAN[::-1], "X_AMZN_TRACE_ID": SPAN}],
    ids=["Lambda's own", "the specification's first"],
)
def test_xray_in_lambda(agent, receiver, web, names):
    own = {name: f"Root=1-{TRACE[:8]}-{TRACE[8:]};Parent={span};Sampled=1;Lineage=25:a87bd80c:1" for name, span in names.items()}
    span = one_span(agent, receiver, web, OTEL_PROPAGATORS="xray", **own)
    assert (span.trace_id, span.parent_span_id) == (TRACE, SPAN)


def test_names_in_lower_case_are_none(agent, receiver, web):
    span = one_span(agent, receiver, web, traceparent=f"00-{TRACE}-{SPAN}-01", baggage="k=v")
    assert span.parent_span_id == ""
    assert list(context(web.requests[0])) == ["traceparent"]


# Baggage


@pytest.mark.parametrize(
    "given, sent",
    [
        ("userId=alice,serverNode=DF%2028;property;p=q", "userId=alice,serverNode=DF%2028;property;p=q"),
        (" a=1 , nonsense, b c=2,d=x y,,e=5 ", "a=1,e=5"),
        (",".join(f"key{n}={'x' * 100}" for n in range(64)), ",".join(f"key{n}={'x' * 100}" for n in range(64))),
        ("a=" + 8190 * "x", "a=" + 8190 * "x"),
        ("a=1,b=" + 8190 * "x", "a=1"),
        ("nonsense", None),
        ("", None),
    ],
    ids=["properties", "malformed", "64", "8192", "more", "none", "empty"],
)
def test_baggage(agent, receiver, web, given, sent):
    span = one_span(agent, receiver, web, BAGGAGE=given)
    assert web.requests[0].values("baggage") == ([sent] if sent else [])
    assert not any("key" in name or value in ("alice", "1") for name, value in span.attributes.items())
    assert web.requests[0].traceparent[36:52] == span.span_id


def test_more_baggage_than_there_is_room_for(agent, receiver, web):
    """Of the agent's 32 KiB for what it copies at start. What it is configured with, and the parent, are there all the same."""
    span = one_span(agent, receiver, web, BAGGAGE="k=v," + 60_000 * "x", **variables("tracecontext"))
    assert (span.trace_id, span.parent_span_id) == (TRACE, SPAN)
    assert web.requests[0].values("baggage") == []


@pytest.mark.parametrize("own, kept", [("Baggage: mine=1", ["mine=1"]), ("baggage;", [""]), ("baggage:", [])])
def test_own_baggage_is_kept(agent, receiver, web, own, kept):
    span = one_span(agent, receiver, web, "-H", own, BAGGAGE="k=v")
    assert web.requests[0].values("baggage") == kept
    assert web.requests[0].traceparent[36:52] == span.span_id


def test_a_redirect_elsewhere_gets_the_ids_and_no_baggage(agent, receiver):
    here, there = WebServer(), WebServer("127.0.0.2")
    try:
        agent.run("curl", "-sSL", f"{here.url}/redirect?{there.url}/there", BAGGAGE="k=v", **variables("tracecontext"), TRACESTATE="a=1")
        (span,) = receiver.wait(1)
        for request in (here.requests[0], there.requests[0]):
            assert context(request) == {"traceparent": f"00-{TRACE}-{span.span_id}-01", "tracestate": "a=1"}
        # Who does not follow sends it.
        agent.run("curl", "-sS", f"{here.url}/redirect?{there.url}/there", BAGGAGE="k=v")
        assert here.requests[1].values("baggage") == ["k=v"]
        assert len(there.requests) == 1
    finally:
        here.stop()
        there.stop()


def other_baggage(request):
    found = [(name, value) for name, value in request.headers if name.lower().startswith(("uberctx-", "ot-baggage-", "jaeger-baggage"))]
    assert len(dict(found)) == len(found), found
    return dict(found)


@pytest.mark.parametrize(
    "propagators, given, sent, others",
    [
        ("jaeger", {"UBERCTX_USER_ID": "alice", "UBERCTX_NAME": "A%20B"}, [], {"uberctx-user_id": "alice", "uberctx-name": "A%20B"}),
        ("jaeger", {"JAEGER_BAGGAGE": "a=1,b=x y"}, [], {"uberctx-a": "1", "uberctx-b": "x%20y"}),
        ("ottrace", {"OT_BAGGAGE_NAME": "A B"}, [], {"ot-baggage-name": "A B"}),
        ("ottrace", {"OT_BAGGAGE_EMPTY": ""}, [], {"ot-baggage-empty": ""}),
        ("tracecontext,baggage", {"UBERCTX_K": "1", "OT_BAGGAGE_K": "2"}, [], {}),
        ("jaeger", {"BAGGAGE": "k=v"}, [], {}),
        ("baggage,jaeger", {"BAGGAGE": "k=v;p,l=w", "UBERCTX_L": "2"}, ["k=v;p,l=2"], {"uberctx-k": "v", "uberctx-l": "2"}),
        ("jaeger,baggage,ottrace", {"UBERCTX_A": "1%202", "OT_BAGGAGE_B": "3"}, ["a=1%202,b=3"],
         {"uberctx-a": "1%202", "uberctx-b": "3", "ot-baggage-a": "1 2", "ot-baggage-b": "3"}),
        ("ottrace", {f"OT_BAGGAGE_K{n:02}": "x" * 100 for n in range(64)}, [], {f"ot-baggage-k{n:02}": "x" * 100 for n in range(64)}),
    ],
    ids=["jaeger", "all in one", "ottrace", "empty", "not configured", "not jaeger's", "on top of W3C's", "in all formats", "64"],
)  # fmt: skip
def test_baggage_of_other_formats(agent, receiver, web, propagators, given, sent, others):
    one_span(agent, receiver, web, OTEL_PROPAGATORS=propagators, **given)
    assert web.requests[0].values("baggage") == sent
    assert other_baggage(web.requests[0]) == others


def test_own_baggage_of_other_formats_is_kept(agent, receiver, web):
    more = {"OTEL_PROPAGATORS": "jaeger,ottrace,baggage", "BAGGAGE": "k=v"}
    span = one_span(agent, receiver, web, "-H", "UberCtx-Own: 1", **more)
    assert other_baggage(web.requests[0]) == {"UberCtx-Own": "1"}
    assert web.requests[0].values("baggage") == ["k=v"]
    assert web.requests[0].values("uber-trace-id") == [f"{span.trace_id}:{span.span_id}:0:1"]


def test_no_baggage_of_other_formats_where_a_redirect_may_lead(agent, receiver, web):
    one_span(agent, receiver, web, "-L", OTEL_PROPAGATORS="jaeger,ottrace", UBERCTX_K="v")
    assert other_baggage(web.requests[0]) == {} and len(web.requests[0].values("uber-trace-id")) == 1


# OTEL_SDK_DISABLED: "propagators … keep working"


def test_disabled_and_passed_on(agent, receiver, web):
    names = ",".join(name for name in FORMATS if name != "ottrace") + ",ottrace,baggage"
    more = {"OTEL_SDK_DISABLED": "true", "OTEL_PROPAGATORS": names, "BAGGAGE": "k=v;p", "TRACESTATE": "a=1"}
    agent.run("curl", "-sS", web.url, **more, **variables("tracecontext"))
    expected = {"baggage": "k=v;p", "tracestate": "a=1"}
    for propagator in FORMATS:
        expected |= headers(propagator)
    assert context(web.requests[0]) == expected
    # Baggage without a parent; nothing without either.
    agent.run("curl", "-sS", f"{web.url}/1", f"{web.url}/2", **more)
    assert [context(request) for request in web.requests[1:]] == 2 * [{"baggage": "k=v;p"}]
    agent.run("curl", "-sS", "-Z", f"{web.url}/1", f"{web.url}/2", **more)
    assert [context(request) for request in web.requests[3:]] == 2 * [{"baggage": "k=v;p"}]
    agent.run("curl", "-sS", web.url, **more | {"BAGGAGE": None})
    assert context(web.requests[-1]) == {}
    agent.run("curl", "-sS", web.url, **more | {"BAGGAGE": None, "UBERCTX_K": "v", "OTEL_PROPAGATORS": "jaeger"})
    assert context(web.requests[-1]) == {} and other_baggage(web.requests[-1]) == {"uberctx-k": "v"}
    assert receiver.wait(1, timeout=0.5) == []
    assert agent.relays() == []


# The program does not notice


def test_children_inherit_the_environment_as_it_is(agent, acceptor):
    more = {"OTEL_PROPAGATORS": ",".join(FORMATS), "BAGGAGE": " a=1 ,b", "TRACEPARENT": f"00-{TRACE}-{SPAN}-01", "B3": "1", "OT_TRACER_SAMPLED": "x"}
    done = twin(agent, "sh", "-c", "env | sort; env -i env", TOUCH_PORT=acceptor, **more)
    for name, value in more.items():
        assert f"{name}={value}\n" in done.stdout


@pytest.mark.parametrize("arguments", [["{url}/1", "{url}/2"], ["-Z", "{url}/1", "{url}/2"], ["-d", "a=1", "-H", "X-Own: 1", "{url}/1"]])
def test_all_formats_twin(agent, web, arguments):
    words = [word.format(url=web.url) for word in arguments]
    more = {"OTEL_PROPAGATORS": ",".join(FORMATS) + ",baggage", "BAGGAGE": "k=v", "OTEL_TRACES_EXPORTER": "none"}
    bare = agent.run_bare("curl", "-sS", *words, **more)
    bare_requests = sorted(web.requests, key=lambda request: request.target)
    web.requests.clear()
    traced = agent.run("curl", "-sS", *words, **more)
    assert sorted(outcome(traced, agent).stdout.splitlines()) == sorted(outcome(bare, agent).stdout.splitlines())
    for without, request in zip(bare_requests, sorted(web.requests, key=lambda request: request.target), strict=True):
        others = other_baggage(request)
        assert others == {"uberctx-k": "v", "ot-baggage-k": "v"}
        assert [pair for pair in request.headers if pair[0].lower() not in NAMES and pair[0] not in others] == without.headers
        assert len(context(request)) == 11 and request.body == without.body


def test_metadata_services_get_nothing(agent, receiver, web):
    """As if the web server were one: curl connects to it for that address."""
    agent.run("curl", "-sS", "--connect-to", f"::127.0.0.1:{web.port}", "http://169.254.169.254/latest/meta-data/", BAGGAGE="k=v")
    (span,) = receiver.wait(1)
    assert span.attributes["server.address"] == "169.254.169.254"
    assert context(web.requests[0]) == {}
