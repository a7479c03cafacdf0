"""Connects to TCP addresses are INTERNAL spans; no other connect is. Those that are not waited for: test_pending_connects.py."""

import os

import pytest

from harness import programs
from harness.receiver import STATUS_ERROR, STATUS_UNSET
from harness.webserver import closed_port

INTERNAL = 1
SCOPE = "otelagent.instrumentation.sockets"


def sockets(agent, kind, port):
    """One connect of that kind, the same with and without the agent."""
    program = programs.build("sockets")
    bare, traced = agent.run_bare(program, kind, port), agent.run(program, kind, port)
    assert (traced.returncode, traced.stdout, traced.stderr) == (bare.returncode, bare.stdout, bare.stderr)
    return traced.stdout.split()


def test_connected(agent, receiver, acceptor):
    assert sockets(agent, "ipv4", acceptor) == ["0", "0"]
    (span,) = receiver.wait(1)
    assert (span.name, span.kind, span.scope) == (f"socket connect 127.0.0.1:{acceptor}", INTERNAL, SCOPE)
    assert span.attributes == {"network.peer.address": "127.0.0.1", "network.peer.port": acceptor, "network.type": "ipv4"}
    assert (span.status, span.parent_span_id) == (STATUS_UNSET, "")


def test_refused(agent, receiver):
    port = closed_port()
    sockets(agent, "ipv4", port)
    (span,) = receiver.wait(1)
    assert span.attributes == {
        "network.peer.address": "127.0.0.1",
        "network.peer.port": port,
        "network.type": "ipv4",
        "error.type": "connection_refused",
    }
    assert (span.status, span.status_message) == (STATUS_ERROR, "")


def test_ipv6(agent, receiver):
    port = closed_port()
    result = sockets(agent, "ipv6", port)
    if result != ["-1", "111"]:  # ECONNREFUSED
        pytest.skip(f"no IPv6 on loopback here: connect gave errno {result[1]}")
    (span,) = receiver.wait(1)
    assert span.name == f"socket connect ::1:{port}"
    assert (span.attributes["network.peer.address"], span.attributes["network.type"]) == ("::1", "ipv6")


SCOPED = """
import select, socket, sys
s = socket.socket(socket.AF_INET6)
s.setblocking(False)
print(s.connect_ex(("::1", int(sys.argv[1]), 0, 1)))
select.select([], [s], [])
print(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
"""


def test_ipv6_with_a_scope(agent, receiver):
    """As getnameinfo would write it without asking for the interface's name. Nobody waits for this one."""
    port = closed_port()
    bare, traced = agent.run_bare("/usr/bin/python3", "-c", SCOPED, port), agent.run("/usr/bin/python3", "-c", SCOPED, port)
    assert (traced.returncode, traced.stdout, traced.stderr) == (bare.returncode, bare.stdout, bare.stderr)
    if traced.stdout.split() != ["115", "111"]:  # EINPROGRESS, ECONNREFUSED
        pytest.skip(f"no IPv6 on loopback here: {traced.stdout}")
    (span,) = receiver.wait(1)
    assert (span.name, span.error) == (f"socket connect ::1%1:{port}", "connection_refused")
    assert (span.attributes["network.peer.address"], span.attributes["network.type"]) == ("::1%1", "ipv6")


LINK_LOCAL = """
ip link set lo up && ip address add fe80::1234/64 dev lo nodad
exec python3 -c '
import socket
index = socket.if_nametoindex("lo")
s = socket.socket(socket.AF_INET6)
print(index, s.connect_ex(("fe80::1234", 9, 0, index)))
'
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it gives an interface another address")
def test_a_link_local_address(agent, receiver):
    """In a network name space of its own, whose loopback gets one."""
    agent.start_relay()  # outside, where the collector is
    bare, traced = agent.run_bare("unshare", "-n", "sh", "-c", LINK_LOCAL), agent.run("unshare", "-n", "sh", "-c", LINK_LOCAL)
    assert (traced.returncode, traced.stdout, traced.stderr) == (bare.returncode, bare.stdout, bare.stderr)
    index, result = traced.stdout.split()
    assert result == "111", "ECONNREFUSED"
    (span,) = receiver.wait(1)
    assert (span.name, span.error) == (f"socket connect fe80::1234%{index}:9", "connection_refused")
    assert (span.attributes["network.peer.address"], span.attributes["network.type"]) == (f"fe80::1234%{index}", "ipv6")


@pytest.mark.parametrize("kind", ["udp", "unix"])
def test_no_span(agent, receiver, acceptor, kind):
    sockets(agent, kind, acceptor)
    # A span that is expected, after it: what was recorded before would have come with it.
    sockets(agent, "ipv4", acceptor)
    assert [span.name for span in receiver.wait(2, timeout=1)] == [f"socket connect 127.0.0.1:{acceptor}"]


@pytest.mark.parametrize("kind", ["short", "fault", "closed"])
def test_what_the_kernel_refuses_is_refused_by_the_kernel(agent, acceptor, kind):
    # An address that cannot be read is EFAULT, not SIGSEGV in a hook.
    assert sockets(agent, kind, acceptor)[0] == "-1"


def test_none_under_a_traced_request(agent, receiver, web):
    # proxychains-like programs and resolvers connect within curl_easy_perform; libcurl's own connect does not block.
    assert agent.run("curl", "-sS", web.url).returncode == 0
    receiver.wait(1)
    assert [span.name for span in receiver.wait(2, timeout=1)] == ["GET"]


def test_root_spans_have_the_environments_parent(agent, receiver, acceptor):
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    agent.run(programs.build("dialer"), acceptor, 2, TRACEPARENT=parent)
    spans = receiver.wait(2)
    assert {(span.trace_id, span.parent_span_id) for span in spans} == {(parent[3:35], parent[36:52])}


def test_identifiers_are_unique_across_fork(agent, receiver, acceptor):
    script = f"""
import os, socket
def dial():
    socket.create_connection(("127.0.0.1", {acceptor})).close()
dial()
for _ in range(10):
    if os.fork() == 0:
        dial(); dial()
        os._exit(0)
for _ in range(10):
    os.wait()
dial()
"""
    done = agent.run("/usr/bin/python3", "-c", script)
    assert done.returncode == 0, done.stderr
    spans = receiver.wait(22)
    assert len(spans) == 22
    assert len({span.span_id for span in spans}) == len({span.trace_id for span in spans}) == 22
    assert len({span.resource["service.instance.id"] for span in spans}) == 11
    assert len({span.resource["process.pid"] for span in spans}) == 11


def test_a_signal_handler_that_connects(agent, receiver, acceptor):
    """Wherever it interrupts the agent: no id is drawn twice, no span is lost or damaged."""
    done = agent.run(programs.build("interrupted"), acceptor, 5000, OTEL_BSP_MAX_QUEUE_SIZE=20_000)
    assert done.returncode == 0
    outside, inside = map(int, done.stdout.split())
    assert inside > 20
    spans = receiver.wait(outside)
    # One that interrupts another connect of its thread is that one's layer below, and makes no span.
    assert outside <= len(spans) <= outside + inside
    assert len({span.span_id for span in spans}) == len({span.trace_id for span in spans}) == len(spans)
