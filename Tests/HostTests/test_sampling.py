"""Samplers and limits, seen from outside."""

import random

import pytest

from harness import programs

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def traceparent_after(agent, web, **variables):
    assert agent.run("curl", "-sS", f"{web.url}/", **variables).returncode == 0
    return web.requests[-1].traceparent


def is_sampled(traceparent):
    return int(traceparent[-2:], 16) & 1 == 1


def assert_spans(agent, receiver, web, count):
    """`count` so far: a request that is sampled for certain comes after them, and with it whatever was still on its way."""
    traceparent_after(agent, web, OTEL_SERVICE_NAME="last")
    assert receiver.wait(1, where=lambda span: span.service == "last")
    assert len([span for span in receiver.spans if span.service != "last"]) == count


@pytest.mark.parametrize(
    "sampler, argument, parent, sampled",
    [
        ("always_on", None, None, True),
        ("always_on", None, 0, True),
        ("always_off", None, None, False),
        ("always_off", None, 1, False),
        ("traceidratio", "0", None, False),
        ("traceidratio", "1", None, True),
        ("parentbased_always_on", None, None, True),
        ("parentbased_always_on", None, 0, False),
        ("parentbased_always_off", None, None, False),
        ("parentbased_always_off", None, 1, True),
        ("parentbased_traceidratio", "0", None, False),
        ("parentbased_traceidratio", "0", 1, True),
        ("ParentBased_Always_Off", None, None, False),
        (None, None, 0, False),
        (None, "0", None, True),
        ("no-such-sampler", None, None, True),
    ],
)
def test_sampler(agent, receiver, web, sampler, argument, parent, sampled):
    variables = {"OTEL_TRACES_SAMPLER": sampler, "OTEL_TRACES_SAMPLER_ARG": argument}
    if parent is not None:
        variables["TRACEPARENT"] = f"00-{TRACE}-{SPAN}-0{parent}"
    carried = traceparent_after(agent, web, **variables)
    # The decision travels whether or not there is a span, and so does the trace.
    assert is_sampled(carried) == sampled
    if parent is not None:
        assert carried[3:35] == TRACE
    assert_spans(agent, receiver, web, 1 if sampled else 0)


def test_ratio_decides_by_the_trace_alone(agent, web):
    rng = random.Random(7)
    traces = [f"{rng.getrandbits(128):032x}" for _ in range(24)]

    def decide(trace):
        return is_sampled(
            traceparent_after(
                agent, web, OTEL_TRACES_SAMPLER="traceidratio", OTEL_TRACES_SAMPLER_ARG="0.5", TRACEPARENT=f"00-{trace}-{SPAN}-03"
            )
        )

    first = [decide(trace) for trace in traces]
    assert [decide(trace) for trace in traces] == first
    assert 4 <= sum(first) <= 20  # binomial(24, ½) leaves this range once in 5,000 choices; this one is fixed


def test_attribute_count_limit(agent, receiver, web):
    traceparent_after(agent, web, OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=3)
    (span,) = receiver.wait(1)
    assert (len(span.attributes), span.dropped_attributes) == (3, 5)


def test_general_limit_applies_unless_the_spans_own_is_set(agent, receiver, web):
    traceparent_after(agent, web, OTEL_ATTRIBUTE_COUNT_LIMIT=2)
    traceparent_after(agent, web, OTEL_ATTRIBUTE_COUNT_LIMIT=2, OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=4, OTEL_SERVICE_NAME="own")
    spans = receiver.wait(2)
    assert {span.service: len(span.attributes) for span in spans} == {"host-test": 2, "own": 4}


def test_value_length_limit_counts_characters(agent, receiver, web):
    url = f"{web.url}/äöü€😀-and-more"
    limit = len(f"{web.url}/äöü")
    assert agent.run("curl", "-sS", url, OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT=limit).returncode == 0
    (span,) = receiver.wait(1)
    assert span.attributes["url.full"] == f"{web.url}/äöü"


def test_value_length_limit_zero_keeps_names(agent, receiver, web):
    traceparent_after(agent, web, OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT=0)
    (span,) = receiver.wait(1)
    assert span.attributes["url.full"] == ""
    assert span.attributes["server.port"] == web.port


def test_a_value_longer_than_a_record_is_cut(agent, receiver, acceptor, web):
    done = agent.run("curl", "-sS", "-o", "/dev/null", f"{web.url}/{'x' * 60_000}?token={'y' * 20_000}")
    assert done.returncode == 0
    assert agent.run(programs.build("dialer"), acceptor, 1).returncode == 0
    spans = receiver.wait(2)
    assert len(spans) == 2
    assert "yyy" not in repr(spans)
