"""Connects that nobody waits for: one span each, until the program knows what became of it, whichever way it learns that."""

import subprocess
import threading

import pytest

from harness import programs
from harness.receiver import STATUS_ERROR, STATUS_UNSET
from harness.twin import outcome
from harness.webserver import closed_port

# The same source in the two ways that distributions build it: the second calls __recv_chk, __recvfrom_chk and __read_chk.
BUILDS = {"plain": ["-O0"], "fortified": ["-O2", "-D_FORTIFY_SOURCE=3"]}
ASKED = ["poll", "select", "epoll", "again", "thread", "__connect"]
FIRST = ["send", "__send", "sendto", "sendmsg", "write", "__write", "writev", "recv", "recvfrom", "recvmsg", "read", "__read", "getpeername"]
GIVEN_UP = ["close", "__close", "dup2", "__dup2", "dup3", "close_range", "closefrom", "exit", "unspecified"]
UNDISTURBED = ["fork", "vfork", "arguments"]


def program(build="plain"):
    return programs.build(f"connects-{build}", programs.SOURCES / "connects.c", flags=BUILDS[build])


def untimed(done, agent):
    """The last line on standard error is a time."""
    seen = outcome(done, agent)
    return seen.status, seen.stdout, seen.stderr.rpartition("\n")[0].rpartition("\n")[0]


def twin(agent, how, port, *more, build="plain"):
    bare, traced = agent.run_bare(program(build), how, port, *more), agent.run(program(build), how, port, *more)
    assert untimed(traced, agent) == untimed(bare, agent)
    assert bare.returncode == 0, bare
    return traced.stdout.splitlines()


def expected(port, error=None):
    more = {"error.type": error} if error else {}
    return {"network.peer.address": "127.0.0.1", "network.peer.port": port, "network.type": "ipv4"} | more


def only_span(agent, receiver, port, error=None, status=None):
    (span,) = receiver.wait(1)
    assert (span.name, span.kind, span.scope) == (f"socket connect 127.0.0.1:{port}", 1, "otelagent.instrumentation.sockets")
    assert span.attributes == expected(port, error)
    assert (span.status, span.parent_span_id) == (STATUS_ERROR if error else STATUS_UNSET, "")
    assert "dropped in the processes" not in agent.relay_status().stdout
    return span


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("how", [*ASKED, *(f"first-{name}" for name in FIRST)])
def test_connected(agent, receiver, acceptor, how, build):
    said = twin(agent, how, acceptor, build=build)
    assert said[0] == "connect -1 115"
    only_span(agent, receiver, acceptor)


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("how", [*ASKED, *(f"first-{name}" for name in FIRST if name != "getpeername")])
def test_refused(agent, receiver, how, build):
    port = closed_port()
    twin(agent, how, port, build=build)
    only_span(agent, receiver, port, "connection_refused")


@pytest.mark.parametrize("how", GIVEN_UP)
def test_given_up(agent, receiver, busy_port, how):
    """A caller's own end is no error."""
    twin(agent, f"up-{how}", busy_port)
    only_span(agent, receiver, busy_port)


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
    assert all(line.endswith(" -1 11") for line in said[3:]) and len(said) == 2 + len(FIRST)
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


def test_closed_unseen(agent, receiver, acceptor):
    """By a system call of the program's own. What became of it is not known; nothing is told of it, but for a count."""
    twin(agent, "unseen", acceptor)
    (span,) = receiver.wait(1)
    assert span.attributes == expected(acceptor)
    assert "1 the call never returned" in agent.relay_status().stdout


def test_a_process_that_dies_meanwhile(agent, receiver, busy_port):
    process = agent.start(program(), "killed", busy_port, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "connect -1 115\n" and process.stdout.readline() == "waiting\n"
    process.kill()
    process.wait()
    (span,) = receiver.wait(1)
    assert span.name == f"socket connect 127.0.0.1:{busy_port}"
    assert span.attributes == expected(busy_port, "process_ended")


def test_more_than_are_followed(agent, receiver, busy_port):
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


@pytest.mark.parametrize("variables", [{"OTEL_NATIVE_DISABLED_INSTRUMENTATIONS": "sockets"}, {"OTEL_TRACES_SAMPLER": "always_off"}], ids=str)
@pytest.mark.parametrize("how", ["poll", "first-send", "up-close_range", "still-vfork"])
def test_none(agent, receiver, acceptor, how, variables):
    bare, traced = agent.run_bare(program(), how, acceptor), agent.run(program(), how, acceptor, **variables)
    assert untimed(traced, agent) == untimed(bare, agent)
    assert not receiver.wait(1, timeout=0.2)
