"""As fast as a program can: memory stays within bounds, and every span is accounted for."""

import json
import os
import re
import signal
from pathlib import Path

import pytest

from harness import programs
from harness.agent import Agent, wait_until
from harness.receiver import Receiver
from harness.webserver import closed_port

IS_LONG = os.environ.get("OTEL_TEST_LONG") == "1"
THREADS = 4
SPANS = 1_000_000 if IS_LONG else 200_000
# What a region has, and another one while it is being replaced; what is resident of the agent's file; the stacks' pages.
HOST_KIB = 8 << 10
# 16 MiB of waiting spans, 4 MiB to read with, and what the program itself and libcurl are.
RELAY_KIB = 96 << 10


def status(agent):
    return json.loads(agent.run(agent.layout.relay, "status", "--json", environment=agent.bare_environment()).stdout)


def load(agent, under_agent, kind, threads, count, port=0):
    """Runs load.c; returns the largest memory it had, in KiB."""
    environment = agent.environment() if under_agent else agent.bare_environment()
    done = agent.run(programs.build("load", libraries=["-lcurl"]), kind, threads, count, port, environment=environment, timeout=150)
    found = re.fullmatch(r"0 wrong\n(\d+) KiB\n", done.stdout)
    assert done.returncode == 0 and found and not done.stderr, done
    return int(found[1])


def largest_memory(pid):
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[1])


def accounted(spans):
    """Spans of which it is known what became of them."""
    return spans["recorded"] + sum(spans["droppedByProcesses"].values())


@pytest.mark.parametrize("state", ["no collector", "a stopped relay"])
def test_every_span_is_accounted_for(state, measured):
    port = closed_port()
    agent = Agent(f"http://127.0.0.1:{port}")
    try:
        bare = load(agent, False, "connect", THREADS, SPANS // THREADS, closed_port())
        relay = agent.start_relay()
        if state == "a stopped relay":
            os.kill(relay, signal.SIGSTOP)
        traced = load(agent, True, "connect", THREADS, SPANS // THREADS, closed_port())
        if state == "a stopped relay":
            os.kill(relay, signal.SIGCONT)
        # The relay reads what is left of a process that has ended.
        assert wait_until(lambda: accounted(status(agent)["spans"]) >= SPANS and not status(agent)["processes"]["attached"], timeout=60, pause=0.1), status(agent)
        spans = status(agent)["spans"]
        assert accounted(spans) == SPANS, spans
        assert agent.relays() == [relay]
        memory = largest_memory(relay)
        measured(
            f"{SPANS} spans from {THREADS} threads with {state}: {spans['recorded']} recorded, the others counted as dropped; "
            f"the host's memory {traced - bare} KiB above the bare one's, the relay's {memory >> 10} MiB"
        )
        assert traced - bare < HOST_KIB and memory < RELAY_KIB
        # Now somebody listens: what waits arrives, once.
        receiver = Receiver(port)
        try:
            kept = spans["sent"] + spans["waiting"]
            assert spans["recorded"] == kept + sum(spans["droppedByRelay"].values()), spans
            arrived = receiver.wait(kept, timeout=100)
            assert len(arrived) == len({span.span_id for span in arrived}) == kept
            assert not receiver.problems
        finally:
            receiver.stop()
    finally:
        agent.close()


@pytest.mark.parametrize("kind, count", [("handles", 100_000 if IS_LONG else 20_000), ("descriptors", 1_000_000 if IS_LONG else 200_000)])
def test_churn(agent, kind, count):
    """A table of fixed size does not fill up with what is gone."""
    assert load(agent, True, kind, 1, count) - load(agent, False, kind, 1, count) < HOST_KIB
