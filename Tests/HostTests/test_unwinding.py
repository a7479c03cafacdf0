"""Calls that never return: what left them by exception, longjmp or the end of its thread must find its thread as it was."""

import socket
import subprocess

import pytest

from harness import programs
from harness.twin import outcome


@pytest.fixture
def busy_port():
    """A port that nobody accepts at and whose queue is full: a connect to it blocks."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for early in waiting:
            early.setblocking(False)
            early.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for early in waiting:
            early.close()


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


def test_an_exception_out_of_a_callback(agent, receiver, web):
    program = programs.BUILT / "throws"
    programs.BUILT.mkdir(parents=True, exist_ok=True)
    subprocess.run(["g++", "-O1", "-g", "-Wall", "-Werror", "-o", program, programs.SOURCES / "throws.cc", "-lcurl"], check=True)
    bare = agent.run_bare(program, web.url)
    traced = agent.run(program, web.url)
    assert (bare.returncode, bare.stdout) == (0, "50 caught, then 0\n")
    assert outcome(traced, agent) == outcome(bare, agent)
    (span,) = receiver.wait(1)
    assert (span.name, span.parent_span_id, span.error) == ("GET", "", None)
