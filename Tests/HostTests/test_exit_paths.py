"""Every way to end: what had ended arrives once, whatever the collector does, and the status is the program's own."""

import collections
import os
import resource
import signal
import subprocess
import time

import pytest

from harness import programs
from harness.agent import Agent, is_alive, wait_until
from harness.receiver import STATUS_ERROR, Receiver
from harness.webserver import closed_port, silent_port

# Spans of each. What is executed records one more; so does a thread that outlives main, and a function of atexit(3).
ENDS = {
    "return": 3, "exit": 3, "_exit": 3, "quick_exit": 3, "abort": 3, "SIGKILL": 3, "SIGTERM": 3, "SIGSEGV": 3, "SIGILL": 3, "execve": 4,
    "exit of a thread": 3, "_exit of a thread": 3, "execve of a thread": 4, "pthread_exit": 4, "exit in a handler": 3, "_exit in a handler": 3,
    "atexit": 4, "vfork child": 3,
}  # fmt: skip
TERMINATE = "std::terminate"


def commands(acceptor):
    program = programs.build("ends")
    return {way: [program, way, acceptor, 3] for way in ENDS} | {TERMINATE: [programs.build("terminates", programs.SOURCES / "terminates.cc"), acceptor]}


def ended(command, environment, folder):
    """What waitpid(2) says, with the flag of a core, and what was written."""
    unlimited = (resource.RLIM_INFINITY, resource.getrlimit(resource.RLIMIT_CORE)[1])
    process = subprocess.Popen(
        [str(word) for word in command], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (unlimited[1], unlimited[1])),
    )  # fmt: skip
    _, status = os.waitpid(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    said = process.communicate()
    return status, os.WCOREDUMP(status), *said


def end_in_all_ways(agent, acceptor, folder, **variables):
    for way, command in commands(acceptor).items():
        bare = ended(command, agent.bare_environment(), folder)
        traced = ended(command, agent.environment(OTEL_SERVICE_NAME=way, **variables), folder)
        assert traced == bare, way


def assert_each_arrived_once(receiver, relay, timeout=60):
    """- relay: is ended, so that nothing more can come."""
    expected = collections.Counter(ENDS | {TERMINATE: 3})
    receiver.wait_until(lambda spans: collections.Counter(span.service for span in spans) >= expected, timeout)
    os.kill(relay, signal.SIGTERM)
    assert wait_until(lambda: not is_alive(relay), timeout=15)
    assert collections.Counter(span.service for span in receiver.spans) == expected
    assert len({span.span_id for span in receiver.spans}) == len(receiver.spans)
    assert not [span for span in receiver.spans if span.error]


def test_with_a_collector(agent, receiver, acceptor, tmp_path):
    relay = agent.start_relay()
    end_in_all_ways(agent, acceptor, tmp_path)
    assert_each_arrived_once(receiver, relay)


def test_with_a_collector_that_does_not_answer_until_later(agent, receiver, acceptor, tmp_path):
    receiver.mode = "hang"
    relay = agent.start_relay()
    end_in_all_ways(agent, acceptor, tmp_path, OTEL_EXPORTER_OTLP_TIMEOUT=1000)
    receiver.mode = "ok"
    assert_each_arrived_once(receiver, relay)


def test_with_a_collector_that_comes_later(acceptor, tmp_path):
    port = closed_port()
    agent = Agent(f"http://127.0.0.1:{port}")
    try:
        relay = agent.start_relay()
        end_in_all_ways(agent, acceptor, tmp_path)
        late = Receiver(port)
        try:
            assert_each_arrived_once(late, relay)
            assert not late.problems
        finally:
            late.stop()
    finally:
        agent.close()


# MARK: What was in flight


@pytest.mark.parametrize("way", ["return", "_exit", "SIGSEGV", "SIGKILL", "execve", "execve of a thread"])
def test_what_was_in_flight_says_no_more_than_is_known(agent, receiver, acceptor, way):
    """Nobody tells the relay how a process ended: its parent alone learns that."""
    with silent_port() as peer:
        agent.run(programs.build("ends"), way, acceptor, 1, peer)
    spans = receiver.wait(3 if "execve" in way else 2)
    (open_one,) = [span for span in spans if span.error]
    assert (open_one.error, open_one.status, open_one.name) == ("process_ended", STATUS_ERROR, "socket connect")
    assert open_one.end > open_one.start


# MARK: A process that asked for a pid name space of its own


NEW_NAMESPACE = """
import ctypes, os, socket, sys
assert ctypes.CDLL(None, use_errno=True).unshare(0x20000000) == 0  # CLONE_NEWPID
socket.create_connection(("127.0.0.1", int(sys.argv[1]))).close()
pid = os.fork()
if pid == 0:
    socket.create_connection(("127.0.0.1", int(sys.argv[1]))).close()
    os._exit(os.getpid())
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


def test_the_first_process_of_a_name_space_is_the_programs_own(agent, receiver, acceptor):
    """Its next child is that, and its end is the end of the name space: it must be none of ours."""
    if os.geteuid() != 0:
        pytest.skip("needs root: to make a pid name space")
    done = agent.run("/usr/bin/python3", "-c", NEW_NAMESPACE, acceptor)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")
    # Nor is a relay started as the child of the first process, though that was none when the agent was loaded.
    assert agent.relays() == [] and not receiver.spans
    agent.start_relay()
    assert agent.run("/usr/bin/python3", "-c", NEW_NAMESPACE, acceptor).stdout == "1\n"
    (span,) = receiver.wait(1)
    assert span.resource["process.pid"] == 1
    time.sleep(0.2)
    assert len(receiver.spans) == 1
