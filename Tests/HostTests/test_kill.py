"""SIGKILL at any moment: what had ended is not lost."""

import os
import random
import signal
import statistics
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness import programs
from harness.agent import wait_until
from harness.receiver import STATUS_ERROR
from harness.webserver import silent_port

# OTEL_TEST_KILLS=2000 for a longer run.
RUNS = int(os.environ.get("OTEL_TEST_KILLS", 100))
AT_ONCE = 6
PAUSE_US = 400


def dials_returned(file):
    return struct.unpack("=Q", file.read_bytes())[0] if file.exists() and file.stat().st_size == 8 else 0


def run_and_kill(agent, name, delay, by_launcher, acceptor, folder):
    """Starts a host that dials for ever, kills it after `delay` seconds, and returns how many dials had returned to it."""
    file = folder / name
    command = [programs.build("dialer"), acceptor, 0, PAUSE_US, file]
    variables = {"OTEL_SERVICE_NAME": name, "OTEL_BSP_MAX_QUEUE_SIZE": 1_000_000, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": 4096}
    if by_launcher:
        process = agent.start(agent.layout.launcher, *command, environment=agent.bare_environment(**variables))
    else:
        process = agent.start(*command, environment=agent.environment(**variables))
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    return dials_returned(file)


@pytest.mark.longest_seconds(180 + RUNS)
def test_every_ended_span_arrives(agent, receiver, acceptor, tmp_path, measured):
    programs.build("dialer")
    rng = random.Random(1)
    delays = {f"run-{number}": rng.uniform(0.005, 0.5) for number in range(RUNS)}
    agent.start_relay()

    def one(name):
        by_launcher = int(name.removeprefix("run-")) % 2 == 0
        return name, run_and_kill(agent, name, delays[name], by_launcher, acceptor, tmp_path)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        returned = dict(pool.map(one, delays))
    total = sum(returned.values())
    receiver.wait_until(lambda spans: len(spans) >= total, timeout=60 + RUNS / 10)
    time.sleep(1)  # for those that would be too many

    arrived = {name: set() for name in delays}
    for span in receiver.spans:
        if span.error != "process_ended":
            arrived[span.service].add(span.span_id)
    lost = {name: count - len(arrived[name]) for name, count in returned.items() if len(arrived[name]) < count}
    assert not lost, f"{lost}\n{agent.relay_status().stdout}\n{agent.log()}"
    # At most one more: it had ended, and was killed before it could say so.
    assert all(len(arrived[name]) <= count + 1 for name, count in returned.items())
    median = statistics.median(returned.values())
    measured(f"{RUNS} hosts killed by SIGKILL, {total} ended spans, median {median:.0f} a run: none lost")
    assert median >= 1


def test_a_request_in_flight_is_told_as_such(agent, receiver, web):
    """Killed inside curl_easy_perform: the span was open, and says that its process ended."""
    process = agent.start("curl", "-sS", f"{web.url}/slow")
    assert wait_until(lambda: web.requests)
    process.kill()
    process.wait()
    (span,) = receiver.wait(1)
    assert (span.error, span.status) == ("process_ended", STATUS_ERROR)
    assert (span.name, span.attributes["url.full"]) == ("GET", f"{web.url}/slow")
    assert span.span_id == web.requests[0].traceparent[36:52]
    assert span.end > span.start


def test_a_connect_in_flight_is_told_as_such(agent, receiver):
    """Killed inside connect: the address is read when the kernel has read it, so this span names no peer."""
    with silent_port() as port:
        process = agent.start(programs.build("dialer"), port, 1)
        assert wait_until(lambda: in_connect(process.pid))
        process.kill()
        process.wait()
        spans = receiver.wait(1)
    assert [(span.name, span.error, span.status) for span in spans] == [("socket connect", "process_ended", STATUS_ERROR)]


def in_connect(pid):
    # proc(5), /proc/pid/syscall: the number comes first; 42 is connect on x86-64, 203 on AArch64.
    try:
        return Path(f"/proc/{pid}/syscall").read_text().split()[0] in ("42", "203")
    except OSError:
        return False
