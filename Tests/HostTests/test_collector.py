"""Through a collector that people run: curl under the agent, the relay, rotel (a collector in Rust), the receiver."""

import os
import random
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from harness.agent import is_alive, wait_until
from harness.receiver import check_headers


def free_port():
    """A port below those that the kernel hands out (ip_local_port_range), so that no connection of another program takes it. rotel cannot be
    given a listening socket."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Collector:
    """rotel, as PyPI ships it: one executable. `start` may be called again after `stop`."""

    def __init__(self, target, folder):
        (package,) = Path(sys.prefix).glob("lib/python*/site-packages/rotel")
        self._program = package / "rotel-agent"
        self._folder = folder
        self._target = target
        self._process = None
        self.http, self._grpc = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.http}"

    def start(self):
        arguments = {
            "otlp-http-endpoint": f"127.0.0.1:{self.http}",
            "otlp-grpc-endpoint": f"127.0.0.1:{self._grpc}",
            "batch-timeout": "50ms",
            "exporter": "otlp",
            "otlp-exporter-endpoint": self._target,
            "otlp-exporter-protocol": "http",
        }
        words = [word for name, value in arguments.items() for word in (f"--{name}", value)]
        with (self._folder / "rotel.log").open("a") as log:
            self._process = subprocess.Popen(
                [self._program, "start", *words], env={"PATH": os.environ["PATH"]}, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        assert wait_until(self._is_up, timeout=30), self.log()

    def _is_up(self):
        try:
            socket.create_connection(("127.0.0.1", self.http), 1).close()
            return True
        except OSError:
            assert self._process.poll() is None, self.log()
            return False

    def stop(self):
        if self._process:
            self._process.terminate()
            self._process.wait()
        self._process = None

    def log(self):
        return (self._folder / "rotel.log").read_text()


@pytest.fixture
def collector(receiver, tmp_path):
    # What reaches the receiver is rotel's own request, with rotel's user agent.
    receiver.check_headers = lambda headers: [problem for problem in check_headers(headers) if "User-Agent" not in problem]
    collector = Collector(receiver.url, tmp_path)
    yield collector
    collector.stop()


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_span_arrives_intact(agent, receiver, web, collector, compression):
    collector.start()
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_EXPORTER_OTLP_COMPRESSION": compression}
    check = agent.run(agent.layout.relay, "check", environment=agent.bare_environment(**variables))
    assert (check.returncode, check.stdout) == (0, f"{collector.url}/v1/traces: takes spans\n")
    done = agent.run("curl", "-sS", f"{web.url}/hello", OTEL_RESOURCE_ATTRIBUTES="team=a%2Cb", **variables)
    assert (done.returncode, done.stdout) == (0, "200 GET\n")
    spans = receiver.wait(1)
    assert len(spans) == 1, f"{agent.relay_status().stdout}\n{collector.log()}"
    (span,) = spans
    assert (span.name, span.service, span.resource["team"]) == ("GET", "host-test", "a,b")
    assert span.attributes["url.full"] == f"{web.url}/hello"
    assert span.attributes["http.response.status_code"] == 200
    assert web.requests[0].traceparent.split("-")[1:3] == [span.trace_id, span.span_id]


def test_a_collector_that_is_restarted(agent, receiver, web, collector):
    """Before it has started, while it runs, while it is away and when it is back: every span, each once."""
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}

    def request(path):
        assert agent.run("curl", "-sS", f"{web.url}/{path}", **variables).returncode == 0

    def arrived():
        return sorted(span.attributes["url.full"].rpartition("/")[2] for span in receiver.spans)

    request("before")
    relay = agent.relay()
    assert wait_until(lambda: "connection refused" in agent.relay_status().stdout), agent.relay_status().stdout
    collector.start()
    assert receiver.wait_until(lambda _: arrived() == ["before"]), f"{agent.relay_status().stdout}\n{collector.log()}"
    request("while")
    assert receiver.wait_until(lambda _: arrived() == ["before", "while"])
    collector.stop()
    request("without")
    assert wait_until(lambda: "1 waiting" in agent.relay_status().stdout), agent.relay_status().stdout
    collector.start()
    request("after")
    assert receiver.wait_until(lambda _: len(arrived()) == 4), f"{arrived()}\n{agent.relay_status().stdout}\n{collector.log()}"
    assert arrived() == ["after", "before", "while", "without"]
    assert is_alive(relay)
