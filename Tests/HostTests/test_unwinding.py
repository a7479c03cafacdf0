"""Calls that never return: what left them by exception, longjmp or the end of its thread must find its thread as it was."""

import subprocess
from collections import Counter

import pytest

from harness import programs
from harness.twin import outcome


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


@pytest.mark.parametrize("interface", [[], ["multi"]], ids=["easy", "multi"])
def test_an_exception_out_of_a_callback(agent, receiver, web, interface):
    program = programs.BUILT / "throws"
    programs.BUILT.mkdir(parents=True, exist_ok=True)
    subprocess.run(["g++", "-O1", "-g", "-Wall", "-Werror", "-o", program, programs.SOURCES / "throws.cc", "-lcurl"], check=True)
    bare = agent.run_bare(program, web.url, *interface)
    traced = agent.run(program, web.url, *interface)
    assert (bare.returncode, bare.stdout) == (0, "50 caught, then 0\n")
    assert outcome(traced, agent) == outcome(bare, agent)
    # What runs in a multi handle runs until the process ends.
    spans = receiver.wait(51 if interface else 1)
    assert Counter((span.name, span.parent_span_id, span.error) for span in spans) == {
        ("GET", "", None): 1,
        **({("GET", "", "process_ended"): 50} if interface else {}),
    }
