"""Calls that never return: what left them by exception, longjmp or the end of its thread must find its thread as it was."""

import os

import pytest

from harness import programs
from harness.agent import wait_until
from harness.twin import outcome
from harness.webserver import closed_port

LONG = os.environ.get("OTEL_TEST_LONG") == "1"


@pytest.mark.parametrize("kind", ["longjmp", "exit", "cancel"])
def test_a_call_that_is_left(agent, receiver, web, busy_port, kind):
    command = [programs.build("unwinds", libraries=["-lcurl"]), kind, web.url, busy_port]
    bare = agent.run_bare(*command)
    traced = agent.run(*command)
    assert (bare.returncode, bare.stdout) == (0, "then 0\n")
    assert outcome(traced, agent) == outcome(bare, agent)
    # The connect afterwards is no child of a call that is gone, and is not taken for one below a traced request.
    (span,) = receiver.wait(1)
    assert (span.name.startswith("socket connect"), span.parent_span_id, span.error) == (True, "", None)


def counted(agent):
    """What the processes of this world dropped, by reason."""
    return {name: number for name, number in agent.relay_report()["spans"]["droppedByProcesses"].items() if number}


@pytest.mark.parametrize("kind", ["deferred", "asynchronous"])
def test_threads_that_are_cancelled_anywhere(agent, receiver, web, kind):
    """Asynchronously, in the middle of a hook too."""
    times = 20_000 if LONG else 1000
    command = [programs.build("cancels"), kind, times, closed_port(), web.port]
    bare = agent.run_bare(*command, timeout=600 if LONG else 170)
    traced = agent.run(*command, timeout=600 if LONG else 170)
    assert (bare.returncode, bare.stdout) == (0, f"{times} cancelled, then 0\n")
    assert outcome(traced, agent) == outcome(bare, agent)
    if kind == "deferred":
        assert len(receiver.wait(1, where=lambda span: span.name == f"socket connect 127.0.0.1:{web.port}")) == 1
        # So many at once may be more than a busy machine's relay takes, and are counted then.
        assert set(counted(agent)) <= ({"neverReturned", "ringFull"} if LONG else {"neverReturned"})
    else:
        # One that ended in the middle of a record holds up those behind it until the relay asks for a new region.
        assert receiver.wait(1)
    assert {span.parent_span_id for span in receiver.spans} == {""}


WAYS = [(way, callback) for way in ("throw", "longjmp", "exit") for callback in ("write", "header", "read", "progress", "debug", "sockopt")]


@pytest.mark.parametrize("optimization", ["-O0", "-O2"])
@pytest.mark.parametrize("interface", ["easy", "multi"])
@pytest.mark.parametrize("way, callback", WAYS, ids=["-".join(each) for each in WAYS])
def test_a_callback_that_does_not_return(agent, receiver, web, way, callback, interface, optimization):
    program = programs.build_cpp("leaves", flags=[optimization])
    # Callbacks before a connection is made need no server; the others leave it a connection each. Less than the agent has places for, which
    # are 64 for multi handles: what is beyond is not traced, and its connects are spans of their own.
    is_early = callback in ("debug", "sockopt")
    times = 200 if is_early else 10 if not LONG else 200 if interface == "easy" else 60
    command = [program, way, callback, interface, times, web.url]
    bare = agent.run_bare(*command, timeout=600 if LONG else 170)
    traced = agent.run(*command, timeout=600 if LONG else 170)
    assert (bare.returncode, bare.stdout) == (0, f"{times} left, then 0\n")
    assert outcome(traced, agent) == outcome(bare, agent)
    ended = receiver.wait(1, where=lambda span: not span.error)
    assert [(span.name, span.parent_span_id) for span in ended] == [("GET", "")]
    assert {span.parent_span_id for span in receiver.spans} == {""}
    # All that were left were given up and counted, so that their slots served others. What runs in a multi handle runs until the process ends.
    if interface == "easy":
        assert wait_until(lambda: counted(agent) == {"neverReturned": times}), counted(agent)
