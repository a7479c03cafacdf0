"""A proxy between a program and its server: the request's headers are the server's, and CONNECT has none of ours."""

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

from harness import programs
from harness.agent import wait_until
from harness.certificates import Authority, server_context
from harness.webserver import WebServer, closed_port

CONFIGURATION = """
http_port 127.0.0.1:{port}
http_access allow all
acl SSL_ports port {tls_port}
# What it was asked, with the headers that are ours.
logformat asked %rm %ru [%{{traceparent}}>h] [%{{tracestate}}>h] [%{{baggage}}>h] [%{{b3}}>h]
access_log stdio:{root}/asked asked
cache deny all
cache_log {root}/cache.log
pid_filename none
coredump_dir {root}
netdb_filename none
shutdown_lifetime 0 seconds
pinger_enable off
via off
forwarded_for delete
"""
ENVIRONMENT = {"OTEL_PROPAGATORS": "tracecontext,baggage,b3", "BAGGAGE": "k=v", "TRACEPARENT": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "TRACESTATE": "a=1"}
NAMES = {"traceparent", "tracestate", "baggage", "b3"}


@pytest.fixture
def secure(tmp_path):
    """A web server that speaks TLS, and the authority to trust."""
    authority = Authority(tmp_path / "certificates", "authority")
    web = WebServer(tls=server_context(authority.issue("server")))
    yield web, authority.certificate
    web.stop()


@pytest.fixture
def squid(tmp_path, secure):
    port = closed_port()
    tmp_path.chmod(0o777)
    for folder in tmp_path.parents:
        if folder.stat().st_uid == os.geteuid() and folder != Path("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o011)
    configuration = tmp_path / "squid.conf"
    configuration.write_text(CONFIGURATION.format(port=port, tls_port=secure[0].port, root=tmp_path))
    process = subprocess.Popen(["squid", "-N", "-f", configuration], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    log = tmp_path / "asked"
    assert wait_until(lambda: process.poll() is not None or log.exists() and _listens(port)) and process.poll() is None, process.communicate()[0].decode()
    # Our own look whether it listens is told as well.
    yield port, lambda: [line for line in log.read_text().splitlines() if not line.startswith("- error:")]
    process.kill()
    process.communicate()


def _listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def sent(request):
    return {name.lower() for name, _ in request.headers} & NAMES


def test_connect_has_none_and_the_request_has_all(agent, receiver, secure, squid):
    (web, authority), (port, asked) = secure, squid
    done = agent.run("curl", "-sS", "--cacert", authority, "-x", f"http://127.0.0.1:{port}", f"{web.url}/x", **ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    assert wait_until(asked) == [f"CONNECT 127.0.0.1:{web.port} [-] [-] [-] [-]"]
    (request,) = web.requests
    assert sent(request) == NAMES
    (span,) = receiver.wait(1)
    assert request.traceparent[36:52] == span.span_id


def test_without_a_tunnel_they_are_the_requests(agent, receiver, web, squid):
    port, asked = squid
    done = agent.run("curl", "-sS", "-x", f"http://127.0.0.1:{port}", f"{web.url}/x", **ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    (request,) = web.requests
    assert sent(request) == NAMES
    assert wait_until(asked) == [f"GET {web.url}/x [{request.traceparent}] [a=1] [k=v] [{request.values('b3')[0]}]"]


@pytest.mark.parametrize("unified", [True, False])
def test_headers_that_the_program_gives_to_both(agent, receiver, secure, squid, unified):
    """With CURLHEADER_UNIFIED what is in the list goes to the proxy too; so nothing is added."""
    (web, authority), (port, asked) = secure, squid
    options = {"URL": f"{web.url}/x", "CAINFO": str(authority), "PROXY": f"http://127.0.0.1:{port}", "HEADEROPT": int(not unified), "HTTPHEADER": ["b3: 0"]}
    command = ["/usr/bin/python3", programs.SOURCES / "pycurl_options.py", json.dumps(options)]
    environment = ENVIRONMENT | {"OTEL_PROPAGATORS": "tracecontext,baggage"}
    bare, traced = agent.run_bare(*command), agent.run(*command, **environment)
    assert (traced.returncode, traced.stdout, traced.stderr) == (bare.returncode, bare.stdout, bare.stderr) == (0, "200\n", "")
    of_its_own = "0" if unified else "-"
    assert wait_until(lambda: len(lines := asked()) == 2 and lines) == 2 * [f"CONNECT 127.0.0.1:{web.port} [-] [-] [-] [{of_its_own}]"]
    assert [sent(request) for request in web.requests] == [{"b3"}, {"b3"} if unified else NAMES]
    assert len(receiver.wait(1)) == 1
