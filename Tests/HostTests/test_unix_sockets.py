"""Connects of Unix sockets: spans under a parent, or when they are asked for by name; never of datagrams."""

import os
import socket

import pytest

from harness.receiver import STATUS_ERROR, STATUS_UNSET
from harness.twin import outcome

PYTHON = "/usr/bin/python3"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
ASKED = {"OTEL_NATIVE_ENABLED_INSTRUMENTATIONS": "unix_sockets"}
CONNECT = r"""
import os, socket, sys
kind, name = sys.argv[1], os.fsencode(sys.argv[2])
s = socket.socket(socket.AF_UNIX, getattr(socket, "SOCK_" + kind))
print(s.connect_ex(b"\0" + name[1:] if name.startswith(b"@") else name))
"""


def connect(agent, name, kind="STREAM", **variables):
    """One connect, the same with and without the agent; returns its errno."""
    command = [PYTHON, "-c", CONNECT, kind, name]
    bare, traced = agent.run_bare(*command, **variables), agent.run(*command, **variables)
    assert outcome(traced, agent) == outcome(bare, agent)
    assert traced.returncode == 0, traced.stderr
    return int(traced.stdout)


@pytest.fixture
def listening(tmp_path):
    """Makes listeners that live as long as the test."""
    made = []

    def listen(name, kind=socket.SOCK_STREAM):
        listener = socket.socket(socket.AF_UNIX, kind)
        made.append(listener)
        listener.bind(b"\0" + os.fsencode(name)[1:] if str(name).startswith("@") else str(name))
        if kind != socket.SOCK_DGRAM:
            listener.listen(8)
        return name

    yield listen
    for listener in made:
        listener.close()


def check(span, name, error=None):
    assert (span.name, span.kind, span.scope) == (f"socket connect {name}", 1, "otelagent.instrumentation.sockets")
    assert span.attributes == {"network.peer.address": str(name), "network.transport": "unix"} | ({"error.type": error} if error else {})
    assert span.status == (STATUS_ERROR if error else STATUS_UNSET)


@pytest.mark.parametrize("kind", ["STREAM", "SEQPACKET"])
@pytest.mark.parametrize(
    "variables",
    [{"TRACEPARENT": PARENT}, ASKED, {"OTEL_NATIVE_ENABLED_INSTRUMENTATIONS": "*"}, {"OTEL_INSTRUMENTATION_UNIX_SOCKETS_ENABLED": "true"}],
    ids=str,
)
def test_connected(agent, receiver, listening, tmp_path, variables, kind):
    path = listening(tmp_path / "socket", getattr(socket, "SOCK_" + kind))
    assert connect(agent, path, kind, **variables) == 0
    (span,) = receiver.wait(1)
    check(span, path)
    assert (span.trace_id, span.parent_span_id) == (PARENT[3:35], PARENT[36:52]) if "TRACEPARENT" in variables else span.parent_span_id == ""


def test_abstract(agent, receiver, listening):
    name = listening(f"@otel-test-{os.getpid()}-abstract")
    assert connect(agent, name, **ASKED) == 0
    (span,) = receiver.wait(1)
    check(span, name)


def test_nobody_there(agent, receiver, listening, tmp_path):
    left = tmp_path / "left"
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(left))
    assert connect(agent, tmp_path / "missing", **ASKED) == 2  # ENOENT
    assert connect(agent, left, **ASKED) == 111  # ECONNREFUSED
    assert connect(agent, f"@otel-test-{os.getpid()}-nobody", **ASKED) == 111
    missing, refused, abstract = receiver.wait(3)
    check(missing, tmp_path / "missing", "address_not_available")
    check(refused, left, "connection_refused")
    check(abstract, f"@otel-test-{os.getpid()}-nobody", "connection_refused")


@pytest.mark.parametrize("name", ["/" + 106 * "x", b"/tmp/\xff\xfe", b"/tmp/" + 34 * b"\xe2\x82\xac"], ids=["long", "bytes", "characters"])
def test_names_of_any_bytes(agent, receiver, name):
    given = os.fsdecode(name) if isinstance(name, bytes) else name
    assert connect(agent, given, **ASKED) == 2
    (span,) = receiver.wait(1)
    whole = os.fsencode(given).decode(errors="replace")
    assert span.attributes["network.peer.address"] == whole
    assert f"socket connect {whole}".startswith(span.name) and len(span.name) > 15 and len(span.name.encode()) <= 127


SILENT = [{}, {"OTEL_NATIVE_DISABLED_INSTRUMENTATIONS": "unix_sockets", "TRACEPARENT": PARENT}, {"OTEL_NATIVE_DISABLED_INSTRUMENTATIONS": "sockets"} | ASKED,
          {"TRACEPARENT": PARENT[:-1] + "0"}]  # fmt: skip


@pytest.mark.parametrize("variables", SILENT, ids=str)
def test_none(agent, receiver, listening, tmp_path, variables):
    assert connect(agent, listening(tmp_path / "socket"), **variables) == 0
    assert not receiver.wait(1, timeout=0.3)


def test_datagrams(agent, receiver, listening, tmp_path):
    """They only learn where they go to, as with UDP."""
    assert connect(agent, listening(tmp_path / "socket", socket.SOCK_DGRAM), "DGRAM", **ASKED) == 0
    assert not receiver.wait(1, timeout=0.3)


UDP = """
import socket
for family, address in (socket.AF_INET, ("127.0.0.1", 9)), (socket.AF_INET6, ("::1", 9)):
    s = socket.socket(family, socket.SOCK_DGRAM)
    print(s.connect_ex(address), s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
    s.setblocking(False)
    print(s.connect_ex(address), s.getpeername()[1] if family == socket.AF_INET else "")
"""


def test_udp(agent, receiver):
    """Neither with a parent nor with everything that can be asked for."""
    variables = {"TRACEPARENT": PARENT, "OTEL_NATIVE_ENABLED_INSTRUMENTATIONS": "*"}
    bare, traced = (run(PYTHON, "-c", UDP, **variables) for run in (agent.run_bare, agent.run))
    assert outcome(traced, agent) == outcome(bare, agent)
    assert not receiver.wait(1, timeout=0.3)


WOULD_WAIT = r"""
import errno, os, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen(0)
results = []
for _ in range(4):
    s = socket.socket(socket.AF_UNIX)
    s.setblocking(False)
    results.append((s, s.connect_ex(sys.argv[1])))
print([result for _, result in results])
"""


def test_a_server_whose_queue_is_full(agent, receiver, tmp_path):
    """EAGAIN: there was no attempt, and the program calls again."""
    for run in (agent.run_bare, agent.run):
        done = run(PYTHON, "-c", WOULD_WAIT, tmp_path / run.__name__, **ASKED)
        assert done.stdout == "[0, 11, 11, 11]\n", done
    (span,) = receiver.wait(2, timeout=0.5)
    check(span, tmp_path / "run")
