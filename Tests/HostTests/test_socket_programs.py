"""Programs as they are installed, none of which waits in connect: each connection attempt is one span, with its outcome."""

import subprocess
from collections import Counter

import pytest

from harness import programs
from harness.agent import REPOSITORY, wait_until
from harness.twin import outcome
from harness.webserver import closed_port

PYTHON = "/usr/bin/python3"
ASYNCIO = programs.SOURCES / "asyncio_client.py"
REFUSED = "connection_refused"

PERL = """
use IO::Socket::INET;
my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $ARGV[0], Timeout => 20);
print $s ? "connected\\n" : "failed: " . ($!+0) . "\\n";
"""
LUA = """
local socket = require "socket"
local s = socket.tcp()
s:settimeout(20)
print(s:connect("127.0.0.1", arg[1]))
print(s:send("x"))
"""
NODE = """
const socket = require("net").connect({host: "both", port: +process.argv[1], autoSelectFamily: true, lookup: (name, options, answer) =>
  answer(null, ["127.0.0.2", "127.0.0.1"].map((address) => ({address, family: 4})))});
socket.on("connect", () => { console.log("connected", socket.remoteFamily); socket.destroy(); });
socket.on("error", (error) => console.log("failed", error.code || error.name));
"""
TIMEOUT = "import socket, sys; print(socket.create_connection(('127.0.0.1', int(sys.argv[1])), 20).close())"

# By what each learns the outcome, as strace shows it.
CLIENTS = {
    "python, with a timeout: getsockopt": [PYTHON, "-c", TIMEOUT],
    "asyncio: getsockopt": [PYTHON, ASYNCIO, "open", "127.0.0.1"],
    "uvloop: getsockopt": ["env", f"PYTHONPATH={REPOSITORY}/.build-python/wheels/uvloop-0.22.1", PYTHON, ASYNCIO, "open", "127.0.0.1"],
    "redis-cli: a second connect": ["redis-cli", "-h", "127.0.0.1", "-p"],
    "perl: a second connect": ["perl", "-e", PERL],
    "luasocket: send": ["luajit", "-e", LUA],
    "tcpclient: getpeername and read": ["tcpclient", "-RHl0", "127.0.0.1"],
    "bash: it waits": ["bash", "-c", 'exec 3<>/dev/tcp/127.0.0.1/"$0"'],
}


def command_of(name, port):
    words = [*CLIENTS[name], port]
    if name.startswith("luasocket"):
        words = ["luajit", "-e", f'arg = {{"{port}"}} {LUA}']
    elif name.startswith("tcpclient"):
        words += ["true"]
    elif name.startswith("redis"):
        words += ["ping"]
    elif name.startswith("uvloop"):
        words += ["uvloop"]
    return words


def twin(agent, *command, **variables):
    bare, traced = agent.run_bare(*command, **variables), agent.run(*command, **variables)
    assert outcome(traced, agent) == outcome(bare, agent)
    return traced


def attempts(receiver, count):
    """What was tried and what came of it."""
    spans = receiver.wait(count)
    assert all(span.name == f"socket connect {span.attributes['network.peer.address']}:{span.attributes['network.peer.port']}" for span in spans)
    return [(span.attributes["network.peer.address"], span.attributes["network.peer.port"], span.error) for span in spans]


@pytest.mark.parametrize("name", CLIENTS)
def test_connected(agent, receiver, acceptor, web, name):
    # Whether it says that the connection was closed or reset depends on who was quicker. This one is not closed at once.
    port = web.port if name.startswith("redis") else acceptor
    twin(agent, *command_of(name, port))
    assert attempts(receiver, 1) == [("127.0.0.1", port, None)]
    assert "dropped in the processes" not in agent.relay_status().stdout


@pytest.mark.parametrize("name", CLIENTS)
def test_refused(agent, receiver, name):
    port = closed_port()
    twin(agent, *command_of(name, port))
    assert set(attempts(receiver, 1)) == {("127.0.0.1", port, REFUSED)}


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_cancelled(agent, receiver, busy_port, loop):
    """Whoever gives up by himself has no error."""
    name = next(name for name in CLIENTS if name.startswith(loop))
    words = ["cancel" if word == "open" else word for word in command_of(name, busy_port)]
    assert twin(agent, *words).stdout == "TimeoutError None\n"
    (span,) = receiver.wait(1)
    assert (span.attributes["network.peer.port"], span.error) == (busy_port, None)
    assert span.end - span.start >= 40_000_000


def test_a_dead_address_before_a_live_one(agent, receiver, acceptor):
    """A name with two addresses, at the first of which nobody listens."""
    assert twin(agent, PYTHON, ASYNCIO, "open", "127.0.0.2,127.0.0.1", acceptor).stdout == "connected to True\n"
    assert attempts(receiver, 2) == [("127.0.0.2", acceptor, REFUSED), ("127.0.0.1", acceptor, None)]


def test_node(agent, receiver, acceptor):
    said = twin(agent, "node", "-e", NODE, acceptor)
    assert said.stdout == "connected IPv4\n", said.stderr
    assert attempts(receiver, 2) == [("127.0.0.2", acceptor, REFUSED), ("127.0.0.1", acceptor, None)]


def test_node_refused(agent, receiver):
    port = closed_port()
    assert twin(agent, "node", "-e", NODE, port).stdout.startswith("failed")
    assert attempts(receiver, 2) == [("127.0.0.2", port, REFUSED), ("127.0.0.1", port, REFUSED)]


def test_a_child_that_closes_everything(agent, receiver):
    """Python's subprocess is a vfork, and its child closes what is its parent's in the parent's memory."""
    port = closed_port()
    twin(agent, PYTHON, ASYNCIO, "spawn", "127.0.0.1", port)
    assert Counter(attempts(receiver, 100)) == {("127.0.0.1", port, REFUSED): 100}


def test_curl_makes_no_doubles(agent, receiver, web):
    assert agent.run("curl", "-sS", "--no-progress-meter", "--parallel", f"{web.url}/1", f"{web.url}/2", f"http://127.0.0.1:{closed_port()}/").returncode == 7
    spans = receiver.wait(3)
    assert Counter(span.name for span in spans) == {"GET": 3}
    assert [span.name for span in receiver.wait(4, timeout=0.5)] == ["GET"] * 3


def test_wget(agent, receiver, web, tmp_path):
    twin(agent, "wget", "-q", "--tries=1", "-O", tmp_path / "file", web.url)
    assert attempts(receiver, 1) == [("127.0.0.1", web.port, None)]


def test_wrk(agent, receiver, web):
    """It writes as soon as it may, and asks nobody."""
    done = agent.run("wrk", "-t1", "-c2", "-d1", web.url)
    assert done.returncode == 0, done.stderr
    found = Counter(attempts(receiver, 3))
    assert set(found) == {("127.0.0.1", web.port, None)}
    assert all(span.end - span.start < 900_000_000 for span in receiver.spans), "connected, and not closed, is the end"


NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{
    listen unix:{folder}/socket;
    location / {{ proxy_pass http://127.0.0.1:{upstream}; }}
    location /refused {{ proxy_pass http://127.0.0.1:{refused}; }}
    location /late {{ proxy_pass http://127.0.0.1:{busy}; proxy_connect_timeout 300ms; }}
  }}
}}
"""


def fetch(folder, target):
    return subprocess.run(
        ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket", folder / "socket", f"http://nginx{target}"],
        capture_output=True, text=True, timeout=60, env={"PATH": "/usr/bin"},
    ).stdout  # fmt: skip


def test_nginx_upstreams(agent, receiver, web, busy_port):
    folder, refused = agent.world, closed_port()
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, upstream=web.port, refused=refused, busy=busy_port))
    server = agent.start("nginx", "-c", folder / "nginx.conf", "-p", folder, stderr=subprocess.DEVNULL)
    try:
        assert wait_until(lambda: (folder / "socket").exists() and fetch(folder, "/") == "200")
        assert [fetch(folder, target) for target in ("/refused", "/late")] == ["502", "504"]
    finally:
        server.terminate()
        server.wait()
    found = attempts(receiver, 3)
    assert [one for one in found if one[1] != web.port] == [("127.0.0.1", refused, REFUSED), ("127.0.0.1", busy_port, None)]
    assert {one for one in found if one[1] == web.port} == {("127.0.0.1", web.port, None)}
    late = next(span for span in receiver.spans if span.attributes["network.peer.port"] == busy_port)
    assert late.end - late.start >= 200_000_000, "as long as nginx waited"
