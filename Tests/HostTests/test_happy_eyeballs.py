"""Programs that try several addresses of a name: each attempt is a span that makes sense to read, and only what was refused is an error."""

import os

import pytest

from harness.nameserver import NameServer, asking
from harness.twin import outcome
from harness.webserver import closed_port

PYTHON = "/usr/bin/python3"
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a name server has port 53, and files in /etc are others")
REFUSED = "connection_refused"
# 127.0.0.2 refuses, as nobody listens there; only one's port is known to wait, the other is the acceptor's.
NAMES = {"both.test": ["::1", "127.0.0.1"], "two.test": ["127.0.0.2", "127.0.0.1"], "same.test": ["127.0.0.1"]}

ASYNCIO = """
import asyncio, socket, sys
async def client():
    try:
        _, writer = await asyncio.open_connection(sys.argv[1], int(sys.argv[2]), happy_eyeballs_delay=float(sys.argv[3]))
        print("connected to", writer.get_extra_info("peername")[0])
        writer.close()
    except OSError as error:
        print(type(error).__name__)
asyncio.run(client())
"""
# The first address never answers, and is given up when the second one has.
RACE = """
import asyncio, socket, sys
async def addresses(*_, **__):
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", int(port))) for port in sys.argv[1:3]]
async def client():
    asyncio.get_running_loop().getaddrinfo = addresses
    _, writer = await asyncio.open_connection("both", 1, happy_eyeballs_delay=0.05)
    print("connected to", writer.get_extra_info("peername")[1] == int(sys.argv[2]))
    writer.close()
asyncio.run(client())
"""
REQUESTS = "import sys, requests; print(requests.get(sys.argv[1]).status_code)"
FETCH = "fetch(process.argv[1]).then((answer) => console.log(answer.status), (error) => console.log(error.cause.code || error.cause.name))"
GET = """
const request = require("http").get(process.argv[1], {autoSelectFamily: true, agent: false}, (answer) => { console.log(answer.statusCode); answer.resume(); });
request.on("error", (error) => console.log(error.code || error.name));
"""


@pytest.fixture
def server():
    server = NameServer(NAMES)
    yield server
    server.stop()


def twin(agent, command):
    bare, traced = agent.run_bare(*command), agent.run(*command)
    assert outcome(traced, agent) == outcome(bare, agent)
    return traced.stdout


def story(receiver, count):
    """(name, error) of each span, as they began."""
    assert len(receiver.wait(count)) >= count, receiver.spans
    return [(span.name, span.error) for span in sorted(receiver.wait(count + 1, timeout=0.3), key=lambda span: span.start)]


def test_asyncio_falls_back(agent, receiver, server, acceptor):
    said = twin(agent, asking(server, agent.world, PYTHON, "-c", ASYNCIO, "both.test", acceptor, 5))
    assert said == "connected to 127.0.0.1\n"
    assert story(receiver, 3) == [
        ("DNS lookup both.test", None), (f"socket connect ::1:{acceptor}", REFUSED), (f"socket connect 127.0.0.1:{acceptor}", None)
    ]  # fmt: skip


def test_asyncio_finds_nobody(agent, receiver, server):
    port = closed_port()
    twin(agent, asking(server, agent.world, PYTHON, "-c", ASYNCIO, "both.test", port, 5))
    assert story(receiver, 3) == [
        ("DNS lookup both.test", None), (f"socket connect ::1:{port}", REFUSED), (f"socket connect 127.0.0.1:{port}", REFUSED)
    ]  # fmt: skip


def test_asyncio_gives_the_slower_one_up(agent, receiver, busy_port, acceptor):
    """That is no error: nobody refused."""
    assert twin(agent, [PYTHON, "-c", RACE, busy_port, acceptor]) == "connected to True\n"
    assert story(receiver, 2) == [(f"socket connect 127.0.0.1:{busy_port}", None), (f"socket connect 127.0.0.1:{acceptor}", None)]
    slower, faster = sorted(receiver.spans, key=lambda span: span.start)
    assert slower.start < faster.start and slower.end >= faster.end, "given up when the other had won"


@pytest.mark.parametrize("name", ["both.test", "two.test"])
def test_requests(agent, receiver, server, web, name):
    """urllib3 goes through them one after the other."""
    python = agent.layout.root.parent / ".build-python/bin/python"
    url = web.url.replace("127.0.0.1", name)
    assert twin(agent, asking(server, agent.world, python, "-c", REQUESTS, url)) == "200\n"
    found = [one for one in story(receiver, 2) if one[0] != "DNS lookup localhost"]
    assert found[0] == (f"DNS lookup {name}", None) and found[-1] == (f"socket connect 127.0.0.1:{web.port}", None)
    assert {error for _, error in found[1:-1]} <= {REFUSED}


@pytest.mark.parametrize("script", [FETCH, GET], ids=["fetch", "http.get"])
@pytest.mark.parametrize("name", ["localhost", "both.test"])
def test_node(agent, receiver, server, web, script, name):
    url = web.url.replace("127.0.0.1", name)
    assert twin(agent, asking(server, agent.world, "node", "-e", script, url)) == "200\n"
    found = story(receiver, 2)
    assert found[0] == (f"DNS lookup {name}", None)
    assert found[-1] == (f"socket connect 127.0.0.1:{web.port}", None)
    # What came first of the two families: a matter of Node's version and of /etc/hosts.
    assert found[1:-1] in ([], [(f"socket connect ::1:{web.port}", REFUSED)])


@pytest.mark.parametrize("script", [FETCH, GET], ids=["fetch", "http.get"])
def test_node_finds_nobody(agent, receiver, server, script):
    port = closed_port()
    twin(agent, asking(server, agent.world, "node", "-e", script, f"http://both.test:{port}/"))
    found = story(receiver, 2)
    assert found[0] == ("DNS lookup both.test", None)
    assert found[1:] and {error for _, error in found[1:]} == {REFUSED}
    assert {name for name, _ in found[1:]} <= {f"socket connect ::1:{port}", f"socket connect 127.0.0.1:{port}"}


def test_wget_goes_on_to_the_next(agent, receiver, server, web):
    command = asking(server, agent.world, "wget", "-q", "--tries=1", "-O", "/dev/null", web.url.replace("127.0.0.1", "both.test"))
    twin(agent, command)
    assert story(receiver, 3) == [
        ("DNS lookup both.test", None), (f"socket connect ::1:{web.port}", REFUSED), (f"socket connect 127.0.0.1:{web.port}", None)
    ]  # fmt: skip
