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


@pytest.mark.parametrize("call, variables, spans, limit", [
    ("perform", {}, 1, 800),
    ("connect", {}, 1, 800),
    ("perform", {"OTEL_TRACES_SAMPLER": "always_off"}, 0, 150),
    ("connect", {"OTEL_TRACES_SAMPLER": "always_off"}, 0, 150),
    ("unix", {}, 0, 100),
    ("socket", {}, 0, 100),
], ids=lambda value: value if isinstance(value, str) else None)
def test_call(programs, call, variables, spans, limit):
    with measurements.scene(Distribution(), programs, **variables) as here:
        added, behind = measurements.steps(here, call)
        here.finish(spans * (measurements.WARM_UP + 60))
    assert added <= limit, behind


def test_real_curl_request(programs):
    row = measurements.curl_request_instructions(Distribution(), programs, count=5)
    assert row.within, row.behind
