"""As fast as a program can: memory stays within bounds, and every span is accounted for."""

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
SPANS = 1_000_000 if IS_LONG else 60_000
# What a region has, and another one while it is being replaced; what is resident of the agent's file; the stacks' pages.
HOST_KIB = 8 << 10
# 16 MiB of waiting spans, 4 MiB to read with, and what the program itself and libcurl are.
RELAY_KIB = 96 << 10


def load(agent, under_agent, kind, threads, count, port=0):
    """Runs load.c; returns the largest memory it had, in KiB."""
    environment = agent.environment() if under_agent else agent.bare_environment()
    done = agent.run(programs.build("load", libraries=["-lcurl"]), kind, threads, count, port, environment=environment, timeout=150)
    found = re.fullmatch(r"0 wrong\n(\d+) KiB\n", done.stdout)
    assert done.returncode == 0 and found and not done.stderr, done
    return int(found[1])


def largest_memory(pid):
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[1])


def accounted(report):
    """Spans of which it is known what became of them; less than all as long as any waits."""
    spans = report["spans"]
    return spans["sent"] + sum(spans["droppedByRelay"].values()) + sum(spans["droppedByProcesses"].values())


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
        memory = largest_memory(relay)
        # Now somebody listens. What waits in the relay arrives, and then what stayed in the region because no more may wait.
        receiver = Receiver(port)
        try:
            report = wait_until(lambda: (found := agent.relay_report()) and accounted(found) == SPANS and found, timeout=100, pause=0.2)
            assert report, agent.relay_report()
            spans = report["spans"]
            assert spans["recorded"] == spans["sent"] + sum(spans["droppedByRelay"].values())
            arrived = receiver.wait(spans["sent"])
            assert len(arrived) == len({span.span_id for span in arrived}) == spans["sent"] > 2000
            assert not receiver.problems
            memory = max(memory, largest_memory(relay))
        finally:
            receiver.stop()
        measured(
            f"{SPANS} spans from {THREADS} threads with {state}: {spans['sent']} arrived, the others are counted as dropped; "
            f"the host's memory {traced - bare} KiB above the bare one's, the relay's {memory >> 10} MiB"
        )
        assert traced - bare < HOST_KIB and memory < RELAY_KIB
    finally:
        agent.close()


@pytest.mark.parametrize("kind, count", [("handles", 100_000 if IS_LONG else 20_000), ("descriptors", 1_000_000 if IS_LONG else 50_000)])
def test_churn(agent, kind, count):
    """A table of fixed size does not fill up with what is gone."""
    assert load(agent, True, kind, 1, count) - load(agent, False, kind, 1, count) < HOST_KIB
