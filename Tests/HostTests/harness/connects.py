"""programs/connects.c, and what one connect of it has to look like."""

from . import programs
from .receiver import STATUS_ERROR, STATUS_UNSET
from .twin import outcome

# The same source in the two ways that distributions build it: the second calls __recv_chk, __recvfrom_chk and __read_chk.
BUILDS = {"plain": ["-O0"], "fortified": ["-O2", "-D_FORTIFY_SOURCE=3"]}


def program(build="plain"):
    return programs.build(f"connects-{build}", programs.SOURCES / "connects.c", flags=BUILDS[build])


def untimed(done, agent):
    """The last line on standard error is a time."""
    seen = outcome(done, agent)
    return seen.status, seen.stdout, seen.stderr.rpartition("\n")[0].rpartition("\n")[0]


def twin(agent, how, port, *more, build="plain"):
    """What it said, the same with and without the agent."""
    bare, traced = agent.run_bare(program(build), how, port, *more), agent.run(program(build), how, port, *more)
    assert untimed(traced, agent) == untimed(bare, agent)
    assert bare.returncode == 0, bare
    return traced.stdout.splitlines()


def expected(port, error=None):
    more = {"error.type": error} if error else {}
    return {"network.peer.address": "127.0.0.1", "network.peer.port": port, "network.type": "ipv4"} | more


def only_span(agent, receiver, port, error=None):
    (span,) = receiver.wait(1)
    assert (span.name, span.kind, span.scope) == (f"socket connect 127.0.0.1:{port}", 1, "otelagent.instrumentation.sockets")
    assert span.attributes == expected(port, error)
    assert (span.status, span.parent_span_id) == (STATUS_ERROR if error else STATUS_UNSET, "")
    assert "dropped in the processes" not in agent.relay_status().stdout
    return span
