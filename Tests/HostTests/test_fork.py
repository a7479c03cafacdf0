"""Every way to make a child: parent and children keep their own spans, nothing hangs, no id is drawn twice."""

import collections
import re

import pytest

from harness import programs

# Children are made one after the other; the parent dials before and after each.
WAYS = ["fork", "vfork", "posix_spawn", "system", "popen", "SYS_fork", "SYS_clone", "SYS_clone3", "double"]


def run(agent, way, acceptor, count, **variables):
    """How often each process says that it recorded, by pid; the parent's first."""
    done = agent.run(programs.build("forks"), way, acceptor, count, timeout=150, **variables)
    assert (done.returncode, done.stderr) == (0, ""), f"{way}: {done.returncode}\n{done.stderr}"
    said = dict(re.findall(r"^(parent|dials) (\d+)$", done.stdout, re.M))
    children = collections.Counter(map(int, re.findall(r"^child (\d+)$", done.stdout, re.M)))
    return {int(said["parent"]): int(said["dials"]), **children}


def arrived(receiver, recorded):
    """The spans, as soon as all that were recorded are there: each once, and each from the process that says it made it."""
    total = sum(recorded.values())
    spans = receiver.wait(total, timeout=60)
    assert collections.Counter(span.resource["process.pid"] for span in spans) == recorded
    assert len({span.span_id for span in spans}) == total
    return spans


@pytest.mark.parametrize("way", WAYS)
def test_ways_to_make_a_child(agent, receiver, acceptor, way):
    parent = "00f067aa0ba902b7"
    recorded = run(agent, way, acceptor, 5, TRACEPARENT=f"00-4bf92f3577b34da6a3ce929d0e0e4736-{parent}-01")
    assert len(recorded) == 6 and sum(recorded.values()) == 15
    spans = arrived(receiver, recorded)
    # All have the parent that the environment names, whatever process they are of.
    assert {span.parent_span_id for span in spans} == {parent}
    # A process is not its parent, even with the same memory before it.
    instances = {(span.resource["process.pid"], span.resource["service.instance.id"]) for span in spans}
    assert len({instance for _, instance in instances}) == len(instances) == 6


def test_a_vfork_child_that_records(agent, receiver, acceptor):
    """It has its parent's memory, and so its region."""
    recorded = run(agent, "vfork-records", acceptor, 5)
    assert list(recorded.values()) == [15]
    arrived(receiver, recorded)


def test_a_fork_among_threads_that_record(agent, receiver, acceptor):
    """Children end by _exit, exit and execve in turn."""
    variables = {"OTEL_BSP_MAX_QUEUE_SIZE": 1_000_000, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": 4096}
    recorded = run(agent, "threads", acceptor, 1000, **variables)
    assert len(recorded) == 1001
    arrived(receiver, recorded)


def test_a_fork_in_a_signal_handler(agent, receiver, acceptor):
    recorded = run(agent, "handler", acceptor, 300, OTEL_BSP_MAX_QUEUE_SIZE=1_000_000)
    assert len(recorded) == 301
    # connect(2) that a signal interrupted is a span too: the parent's are at least what it counted.
    total = sum(recorded.values())
    spans = receiver.wait(total, timeout=60)
    by_process = collections.Counter(span.resource["process.pid"] for span in spans)
    assert all(by_process[process] >= count for process, count in recorded.items())
    assert len({span.span_id for span in receiver.spans}) == len(receiver.spans)


def test_a_fork_in_a_signal_handler_that_returns(agent, receiver, acceptor):
    """In the child too, perhaps into the agent, which was about to write to memory that a child does not have."""
    recorded = run(agent, "handler-returns", acceptor, 2000, OTEL_BSP_MAX_QUEUE_SIZE=1_000_000)
    assert len(recorded) == 2001
    assert receiver.wait_until(lambda spans: {span.resource["process.pid"] for span in spans} >= recorded.keys(), timeout=60)
    assert len({span.span_id for span in receiver.spans}) == len(receiver.spans)


# As subprocess does it: vfork, and the child closes all that is above 2.
SOCKETS = """
import socket, subprocess, sys
port = int(sys.argv[1])
opened = [socket.socket() for _ in range(100)]
subprocess.run(["true"], close_fds=True, check=True)
for each in opened[:50]: each.connect(("127.0.0.1", port))
subprocess.run(["sh", "-c", "true; true"], close_fds=True, check=True)
for each in opened[50:]: each.connect(("127.0.0.1", port))
"""


def test_sockets_that_a_vfork_child_closes(agent, receiver, acceptor):
    done = agent.run("/usr/bin/python3", "-c", SOCKETS, acceptor)
    assert (done.returncode, done.stderr) == (0, "")
    spans = receiver.wait(100)
    assert [(span.name, span.attributes["network.peer.port"]) for span in spans] == [(f"socket connect 127.0.0.1:{acceptor}", acceptor)] * 100
    assert len({span.resource["process.pid"] for span in spans}) == 1
