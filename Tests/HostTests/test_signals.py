"""Handlers that call hooked functions, at any moment of a hook, of a thread's life and of a stopped process."""

import os
import signal
import time

import pytest
from harness import programs
from harness.agent import wait_until
from harness.webserver import closed_port

LONG = os.environ.get("OTEL_TEST_LONG") == "1"


def dropped(agent):
    """What the processes of this world dropped, by reason."""
    return agent.relay_report()["spans"]["droppedByProcesses"]


@pytest.mark.parametrize("hertz, seconds", [(10_000, 60), (1000, 60)] if LONG else [(100, 2)])
def test_signals_in_sixteen_threads(agent, receiver, tmp_path, hertz, seconds):
    """Every connect that was refused is one span, or counted as dropped: none is torn, none is lost."""
    program, port = programs.build("signals", libraries=["-lrt"]), closed_port()

    def run(name, environment):
        process = agent.start(
            program, hertz, seconds, port, tmp_path / name, environment=environment, stdout=-1, stderr=-1, text=True
        )
        for _ in range(3):
            time.sleep(0.2)
            os.kill(process.pid, signal.SIGSTOP)
            time.sleep(0.05)
            os.kill(process.pid, signal.SIGCONT)
        stdout, stderr = process.communicate(timeout=170)
        return process.returncode, stdout, stderr

    bare = run("bare", agent.bare_environment())
    assert bare == (0, "0 otherwise, 0 disturbed, 1 handled, 1 forked, 0 of them well\n", "")
    assert run("traced", agent.environment()) == bare
    refused, in_children = map(int, (tmp_path / "traced").read_text().split())
    assert in_children > 0
    wait_until(lambda: len(receiver.spans) + sum(dropped(agent).values()) >= refused + in_children, timeout=60)
    assert len(receiver.spans) + sum(dropped(agent).values()) == refused + in_children, (len(receiver.spans), dropped(agent), agent.log())
    assert {(span.name, span.parent_span_id, span.error) for span in receiver.spans} == {(f"socket connect 127.0.0.1:{port}", "", "connection_refused")}
    assert len({span.span_id for span in receiver.spans}) == len(receiver.spans)
