"""Connects that nobody waits for: one span each, until the program knows what became of it. By what it learns that: test_socket_reach.py."""

import subprocess
import threading

import pytest

from harness import programs
from harness.connects import BUILDS, expected, only_span, program, twin, untimed
from harness.webserver import closed_port

UNDISTURBED = ["fork", "vfork", "arguments"]
# getpeername and what sends and receives, of programs/connects.c.
TRANSFERS = 13


@pytest.mark.parametrize("how", UNDISTURBED)
def test_what_says_nothing_of_the_outcome(agent, receiver, how):
    """Children that close what they inherited, and calls that the kernel refuses. The outcome is still learned, and told once."""
    port = closed_port()
    twin(agent, f"still-{how}", port)
    only_span(agent, receiver, port, "connection_refused")


def test_questions_that_the_kernel_cannot_answer(agent, receiver, acceptor):
    """A refusal would be forgotten by the first of them: the kernel takes it before it finds nowhere to put it."""
    twin(agent, "still-faults", acceptor)
    only_span(agent, receiver, acceptor)


def test_questions_that_come_too_early(agent, receiver, busy_port):
    """A second connect, and all that sends, receives or asks, while the first goes on: EALREADY, EAGAIN, ENOTCONN are no outcome."""
    said = twin(agent, "soon", busy_port)
    assert said[:3] == ["connect -1 115", "soon -1 114", "getpeername -1 107"]
    assert all(line.endswith(" -1 11") for line in said[3:]) and len(said) == 2 + TRANSFERS
    only_span(agent, receiver, busy_port)


@pytest.mark.parametrize("how, error", [("poll", 115), ("again", 115), ("first-write", 115), ("interrupted", 4), ("timeout", 115)])
def test_as_long_as_it_took(agent, receiver, busy_listener, how, error):
    """The server accepts when the program has long begun. The kernel tries again after a second."""
    port = busy_listener.getsockname()[1]
    process = agent.start(program(), how, port, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == f"connect -1 {error}\n"
    accepted = []

    def accept():
        while True:
            try:
                accepted.append(busy_listener.accept()[0])
            except OSError:
                return

    thread = threading.Thread(target=accept)
    thread.start()
    _, said = process.communicate(timeout=60)
    busy_listener.shutdown(2)
    thread.join()
    for connection in accepted:
        connection.close()
    assert process.returncode == 0
    span = only_span(agent, receiver, port)
    # As long as the program saw it, and longer than nothing: it could not have been accepted at once.
    assert 10_000_000 < span.end - span.start <= int(said)


@pytest.fixture
def attached(agent, busy_port):
    """A process that records nothing more, so that the relay stays and can be asked."""
    process = agent.start(program(), "killed", busy_port, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "connect -1 115\n" and process.stdout.readline() == "waiting\n"
    yield process
    process.kill()
    process.communicate()


def test_closed_unseen(agent, receiver, acceptor, attached):
    """By a system call of the program's own. What became of it is not known; nothing is told of it, but for a count."""
    twin(agent, "unseen", acceptor)
    (span,) = receiver.wait(1)
    assert span.attributes == expected(acceptor)
    assert "1 the call never returned" in agent.relay_status().stdout


def test_a_process_that_dies_meanwhile(receiver, busy_port, attached):
    attached.kill()
    (span,) = receiver.wait(1)
    assert span.name == f"socket connect 127.0.0.1:{busy_port}"
    assert span.attributes == expected(busy_port, "process_ended")


def test_more_than_are_followed(agent, receiver, busy_port, attached):
    """Those that do not fit are counted, and the program sees nothing of it."""
    many = "connect -1 115"
    script = f"ulimit -n 4096; exec {program()} many {busy_port} 1100"
    bare, traced = agent.run_bare("sh", "-c", script), agent.run("sh", "-c", script, OTEL_BSP_MAX_QUEUE_SIZE=4096)
    assert untimed(traced, agent) == untimed(bare, agent)
    assert traced.stdout == f"{many}\n"
    spans = receiver.wait(1000)
    status = agent.relay_status().stdout
    assert 1000 <= len(spans) < 1100 and {span.error for span in spans} == {None}
    assert f"{1100 - len(spans)} too many connects in progress at once" in status, status


@pytest.mark.parametrize("build", BUILDS)
def test_calls_before_the_agent_has_started(agent, receiver, acceptor, build):
    """From the constructor of an object behind it. They go through, untraced; what the program does then is traced."""
    early = programs.build(f"early-calls-{build}.so", programs.SOURCES / "early_calls.c", flags=["-shared", "-fPIC", *BUILDS[build]])
    command = [program(), "poll", acceptor]
    bare = agent.run(*command, environment=agent.bare_environment(LD_PRELOAD=early, EARLY_PORT=acceptor))
    traced = agent.run(*command, environment=agent.environment(LD_PRELOAD=str(early), EARLY_PORT=acceptor))
    assert untimed(traced, agent) == untimed(bare, agent)
    assert bare.stdout.startswith("connect -1 115\n") and "vfork 7 0\n" in bare.stdout
    only_span(agent, receiver, acceptor)


@pytest.mark.parametrize("variables", [{"OTEL_NATIVE_DISABLED_INSTRUMENTATIONS": "sockets"}, {"OTEL_TRACES_SAMPLER": "always_off"}], ids=str)
@pytest.mark.parametrize("how", ["poll", "first-send", "up-close_range", "still-vfork"])
def test_none(agent, receiver, acceptor, how, variables):
    bare, traced = agent.run_bare(program(), how, acceptor), agent.run(program(), how, acceptor, **variables)
    assert untimed(traced, agent) == untimed(bare, agent)
    assert not receiver.wait(1, timeout=0.2)
