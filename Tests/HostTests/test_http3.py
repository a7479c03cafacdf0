"""HTTP/3: hypercorn as the server, and as the client the libcurl of a wheel of pycurl, which has QUIC."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys

import pytest

from harness import programs
from harness.agent import REPOSITORY, wait_until
from harness.certificates import Authority
from harness.receiver import STATUS_ERROR, STATUS_UNSET
from harness.twin import outcome
from harness.webserver import closed_port

CLIENT = 3
SCOPE = "otelagent.instrumentation.curl"
PYTHON = "/usr/bin/python3"
WHEEL = {"PYTHONPATH": str(REPOSITORY / ".build-python/wheels/pycurl-7.49.0")}
# CURL_HTTP_VERSION_3 tries earlier versions beside it, CURL_HTTP_VERSION_3ONLY does not.
WITH_EARLIER, ONLY = 30, 31


class Server:
    """By HTTP/3, and by TCP on the same port."""

    def __init__(self, folder):
        self.authority = Authority(folder, "ca")
        certificate, key = self.authority.issue("server")
        self._seen = folder / "seen"
        self._seen.touch()
        environment = os.environ | {"SEEN": str(self._seen), "PYTHONPATH": str(programs.SOURCES)}
        # A port that was free may be taken a moment later.
        for _ in range(10):
            self.port = closed_port()
            address = f"127.0.0.1:{self.port}"
            command = [sys.executable, "-m", "hypercorn", "--graceful-timeout", "0", "--quic-bind", address, "--bind", address, "--certfile", certificate, "--keyfile", key, "quic_app:app"]
            self._process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if wait_until(lambda: self._process.poll() is not None or self._answers()) and self._process.poll() is None:
                break
        else:
            raise AssertionError("hypercorn found no free port")
        self.url = f"https://127.0.0.1:{self.port}"

    def _answers(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True

    def requests(self):
        """Of each: version, method, path, bytes of the body, traceparent; since the last time."""
        lines = [tuple(line.split()) for line in self._seen.read_text().splitlines()]
        self._seen.write_text("")
        return lines

    def stop(self):
        self._process.terminate()
        self._process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("http3"))
    yield server
    server.stop()


def run_both(agent, server, *words):
    """Twins; the requests that came with the agent are those that came without it, but for the context."""
    outcomes, requests = [], []
    for run in (agent.run_bare, agent.run):
        done = run(PYTHON, *words, **WHEEL)
        done.stderr = re.sub(r"after \d+ ms", "after N ms", done.stderr)
        outcomes.append(outcome(done, agent))
        requests.append(sorted(server.requests()))
    assert outcomes[0] == outcomes[1]
    assert [request[:-1] for request in requests[0]] == [request[:-1] for request in requests[1]]
    assert {request[-1] for request in requests[0]} <= {"-"}
    return outcomes[0], requests[1]


def options(server, path, version=ONLY, **more):
    return [programs.SOURCES / "pycurl_options.py", json.dumps({"URL": f"{server.url}{path}", "CAINFO": str(server.authority.certificate), "HTTP_VERSION": version} | more)]


@pytest.mark.parametrize("version", [ONLY, WITH_EARLIER])
@pytest.mark.parametrize("path, status", [("/some", 200), ("/none", 404)])
def test_a_request(agent, receiver, server, version, path, status):
    done, ((spoken, *_, context),) = run_both(agent, server, *options(server, path, version))
    assert (done.status, done.stdout) == (0, f"{status}\n")
    (span,) = receiver.wait(1)
    assert context == f"00-{span.trace_id}-{span.span_id}-03"
    told = {
        "http.request.method": "GET", "url.full": f"{server.url}{path}", "server.address": "127.0.0.1", "server.port": server.port,
        "network.peer.address": "127.0.0.1", "network.peer.port": server.port, "http.response.status_code": status, "network.protocol.version": spoken,
    }
    assert span.attributes == told | ({"error.type": str(status)} if status >= 400 else {})
    assert (span.name, span.kind, span.scope, span.status) == ("GET", CLIENT, SCOPE, STATUS_ERROR if status >= 400 else STATUS_UNSET)
    if version == ONLY:
        assert spoken == "3"


def test_an_upload(agent, receiver, server):
    _, (request,) = run_both(agent, server, *options(server, "/some", POSTFIELDS="u" * 50_000))
    (span,) = receiver.wait(1)
    assert request == ("3", "POST", "/some", "50000", f"00-{span.trace_id}-{span.span_id}-03")
    assert (span.name, span.attributes["network.protocol.version"]) == ("POST", "3")


def test_many_in_one_connection(agent, receiver, server):
    """One handle, five requests: one span each, with a context of its own."""
    _, requests = run_both(agent, server, *options(server, "/some", again=4))
    spans = receiver.wait(5)
    assert len(spans) == len(requests) == 5
    assert {request[-1] for request in requests} == {f"00-{span.trace_id}-{span.span_id}-03" for span in spans}


def test_nobody_listens(agent, receiver, server):
    """Of a connect of UDP there is no span, whatever becomes of it."""
    words = options(server, "/some")
    words[1] = words[1].replace(str(server.port), str(closed_port()))
    done, requests = run_both(agent, server, *words)
    assert done.status == 1 and not requests
    (span,) = receiver.wait(1)
    assert (span.scope, span.error, span.status) == (SCOPE, "connection_error", STATUS_ERROR)
    assert "http.response.status_code" not in span.attributes and "network.protocol.version" not in span.attributes


def test_an_authority_that_is_unknown(agent, receiver, server, tmp_path):
    words = options(server, "/some")
    words[1] = words[1].replace(str(server.authority.certificate), str(Authority(tmp_path, "other").certificate))
    done, requests = run_both(agent, server, *words)
    assert done.status == 1 and not requests
    (span,) = receiver.wait(1)
    assert (span.error, span.status) == ("secure_connection_error", STATUS_ERROR)
