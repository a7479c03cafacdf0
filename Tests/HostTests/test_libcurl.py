"""Programs that use libcurl: each of Debian's flavours, alone and together, and the whole of curl_easy_setopt."""

import re
import subprocess
import time
from pathlib import Path

import pytest

from harness import programs
from harness.agent import wait_until
from harness.twin import outcome


@pytest.fixture
def keepalive(tmp_path):
    """A fast keep-alive server; yields its port and a function that ends it and returns the traceparents it saw."""
    seen = tmp_path / "traceparents"
    server = subprocess.Popen([programs.build("keepalive_server"), seen], stdout=subprocess.PIPE, text=True)

    def traceparents():
        server.terminate()
        assert server.wait(10) == 0
        return seen.read_text().splitlines()

    yield int(server.stdout.readline()), traceparents
    server.kill()
    server.wait()


@pytest.mark.parametrize("flavour", programs.FLAVOURS)
def test_each_flavour(agent, receiver, web, flavour):
    done = agent.run(programs.http_client(flavour), f"{web.url}/x", 3)
    assert (done.returncode, done.stdout) == (0, "3 requests answered\n")
    spans = receiver.wait(3)
    assert len(spans) == 3
    assert {span.attributes["url.full"] for span in spans} == {f"{web.url}/x"}
    assert {request.traceparent[36:52] for request in web.requests} == {span.span_id for span in spans}
    assert [request.values("X-Request-Number") for request in web.requests] == [["0"], ["1"], ["2"]]


def test_both_flavours_in_one_process(agent, receiver, web):
    plugin = programs.curl_plugin("gnutls")
    done = agent.run(programs.build("both_curls", libraries=["-lcurl", "-ldl"]), f"{web.url}/", plugin)
    assert done.returncode == 0, done.stderr
    # Each request went through the library whose handle it was: that is what its user agent says.
    agents = [request.values("User-Agent")[0] for request in web.requests]
    assert ["GnuTLS" in agent for agent in agents] == [False, True, False, True]
    assert ["OpenSSL" in agent for agent in agents] == [True, False, True, False]
    spans = receiver.wait(4)
    assert {span.span_id for span in spans} == {request.traceparent[36:52] for request in web.requests}


def test_every_kind_of_option_passes_through(agent, receiver, web):
    program = programs.build("options", libraries=["-lcurl"])
    bare = agent.run_bare(program, f"{web.url}/")
    traced = agent.run(program, f"{web.url}/")
    assert bare.returncode == 0
    assert outcome(traced, agent) == outcome(bare, agent)
    assert len(receiver.wait(3)) == 3
    half = len(web.requests) // 2
    for bare_request, traced_request in zip(web.requests[:half], web.requests[half:], strict=True):
        assert [pair for pair in traced_request.headers if pair[0].lower() != "traceparent"] == bare_request.headers
        assert traced_request.body == bare_request.body


def peak_memory(agent, environment, *command):
    """Kilobytes that were resident at most, and the exit status. Not getrusage's: that has the parent's before exec in it."""
    process = agent.start(*command, environment=environment, stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        try:
            found = re.search(r"^VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text(), re.M)
        except OSError:
            break
        peak = max(peak, int(found[1])) if found else peak
        time.sleep(0.01)
    return peak, process.wait()


def dropped(agent):
    """What hosts could not record, as the relay's status counts it."""
    found = re.search(r"^dropped in the processes: (\d+)", agent.relay_status().stdout, re.M)
    return int(found[1]) if found else 0


def test_one_handle_100_000_times(agent, receiver, keepalive, measured):
    port, traceparents = keepalive
    count = 100_000
    client, url = programs.http_client(), f"http://127.0.0.1:{port}/"
    bare, status = peak_memory(agent, agent.bare_environment(), client, url, 1000)
    assert status == 0
    environment = agent.environment(OTEL_BSP_MAX_QUEUE_SIZE=200_000, OTEL_BSP_MAX_EXPORT_BATCH_SIZE=4096)
    traced, status = peak_memory(agent, environment, client, url, count)
    assert status == 0

    seen = traceparents()
    assert len(seen) == 1000 + count
    assert set(seen[:1000]) == {"-"}
    sent = {line[36:52] for line in seen[1000:]}
    assert len(sent) == count  # one traceparent each, all different

    # It requests as fast as it can, on busy cores faster than this receiver takes: then some are dropped, and each is counted.
    assert wait_until(lambda: len(receiver.spans) + dropped(agent) == count, timeout=60, pause=0.2), agent.relay_status().stdout
    lost = dropped(agent)
    arrived = {span.span_id for span in receiver.spans}
    assert arrived <= sent
    assert len(arrived) == count - lost
    measured(
        f"{count} requests with one handle: {len(arrived)} spans, {lost} counted as dropped;"
        f" peak memory {traced} kB; {bare} kB after 1000 requests without the agent"
    )
    # A leak of one list node (a few dozen bytes) a request would be several megabytes.
    assert traced - bare < 2048
