"""Calls on other stacks than the thread's own, or left by ways that no exit sees: no crash, and no parent that is not one."""

import os

import pytest
from harness import programs
from harness.twin import outcome

LONG = os.environ.get("OTEL_TEST_LONG") == "1"


def both(agent, *command):
    bare = agent.run_bare(*command, timeout=150)
    traced = agent.run(*command, timeout=150)
    assert bare.returncode == 0, bare.stdout + bare.stderr
    assert outcome(traced, agent) == outcome(bare, agent)
    return bare.stdout


def assert_all_are_roots(receiver, requests, connects=0):
    """Each request arrived with its outcome, and is nobody's child. A connect of the program's own may be missing, not wrong."""
    spans = receiver.wait(requests, where=lambda span: span.name == "GET" and not span.error)
    assert len(spans) == requests
    assert {span.parent_span_id for span in receiver.spans} == {""}
    assert sum(span.name.startswith("socket connect") for span in receiver.spans) <= connects


@pytest.mark.parametrize("kind", ["switched", "migrated", "unmapped", "local", "deeper"])
def test_coroutines(agent, receiver, web, kind):
    count = 64 if LONG else 8
    assert both(agent, programs.build("coroutines", libraries=["-lcurl"]), kind, web.url, count) == f"{kind}: {count}, 0 wrong\n" * 2
    once = kind in ("unmapped", "deeper")
    assert_all_are_roots(receiver, 2 * (count if once else 3 * count), 2 * (count if once else 2 * count))


def test_greenlets(agent, receiver, web):
    count = 300 if LONG else 30
    assert both(agent, "/usr/bin/python3", programs.SOURCES / "greenlets.py", web.url, count) == f"{count} {{200}}\n"
    assert_all_are_roots(receiver, count)

