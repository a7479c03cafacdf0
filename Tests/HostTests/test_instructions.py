"""What the agent costs its host, in instructions: counts hold still where times do not.

The whole table is `make bench`; these are the limits that a change must not pass unnoticed.
"""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Benchmarks"))

import measurements  # noqa: E402
from scene import Distribution, Programs  # noqa: E402


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    return Programs.build(tmp_path_factory.mktemp("programs"))


@pytest.mark.parametrize("call, limit", [("unix", 60), ("socket", 60), ("dlsym", 20), ("dlopen", 20), ("passive", 20), ("numeric", 600)])
def test_call_of_no_interest(programs, call, limit):
    with measurements.scene(Distribution(), programs) as here:
        added, behind = measurements.steps(here, call)
        here.finish(0)
    assert added <= limit, behind


@pytest.mark.parametrize("variables, limit", [
    ({"OTEL_NATIVE_DISABLED_INSTRUMENTATIONS": "dns"}, 20), ({"OTEL_TRACES_SAMPLER": "always_off"}, 150)], ids=["off", "unsampled"])  # fmt: skip
def test_a_look_up_that_is_not_traced(programs, variables, limit):
    """A jump; or, where each span would be asked for, a question."""
    with measurements.scene(Distribution(), programs, **variables) as here:
        added, behind = measurements.steps(here, "lookup")
        here.finish(0)
    assert 0 < added <= limit, behind


WATCHED = ["close", "dup2", "close_range", "getsockopt", "getpeername", "send", "recv", "sendmsg", "recvmsg", "read", "write"]


@pytest.mark.parametrize("call", WATCHED)
def test_call_on_a_descriptor_that_is_not_connecting(programs, call):
    """A byte test and a jump."""
    with measurements.scene(Distribution(), programs) as here:
        added, behind = measurements.steps(here, call, count=5)
        here.finish(0)
    assert 0 < added <= 20, behind


@pytest.mark.parametrize("variables, spans, limit", [({}, measurements.TRACED, 800), ({"OTEL_TRACES_SAMPLER": "always_off"}, 0, 150)],
                         ids=["sampled", "unsampled"])
def test_span_with_six_attributes(programs, variables, spans, limit):
    with measurements.scene(Distribution(), programs, **variables) as here:
        part = measurements.shares(here, "perform")
        here.finish(spans)
    assert 0 < part["span"] <= limit, part


def test_switched_off(programs):
    """Not looked up at each call, whichever way it is off."""
    rows = measurements.switched_off(Distribution(), programs)
    assert len(rows) == 6 and [row for row in rows if not row.within] == []


def test_real_curl_request(programs):
    row, _ = measurements.curl_request_instructions(Distribution(), programs, count=5)
    assert row.within, row.behind


def test_a_transfer_in_a_multi_handle(programs):
    [row] = measurements.parallel_instructions(Distribution(), programs, parallel=4, count=1)
    assert row.within, row.behind
