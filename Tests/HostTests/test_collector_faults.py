"""Every way in which a collector can fail, through the whole chain: curl under the agent, the relay, a collector that misbehaves and
then is well again.

All of them run at once against one relay: destinations must not disturb each other.
"""

import json
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import faults
from harness.agent import Agent, wait_until
from harness.receiver import Receiver
from harness.webserver import WebServer

# What becomes of the spans of a request that met the fault.
KEPT, REFUSED, DELIVERED = "sent again until they are taken", "given up and counted", "sent once"


@dataclass(frozen=True)
class Case:
    fault: object
    fate: str
    # In the destination's last error; None: there is none.
    error: str | None
    timeout: int = 10_000
    rejected: int = 0


CASES = {
    "nobody listens": Case(None, KEPT, "connection refused"),
    "accepts and never answers": Case("hang", KEPT, "timeout was reached", timeout=500),
    "says that it goes on, for ever": Case(faults.endless(b"", b"HTTP/1.1 102 Processing\r\n\r\n", pause=0.05), KEPT, "timeout was reached", timeout=500),
    "closes without a word": Case(faults.raw(), KEPT, "empty reply"),
    "closes within the status line": Case(faults.raw(b"HTTP/1.1 2"), KEPT, ""),
    "resets the connection": Case(faults.raw(reset=True), KEPT, "reset by peer"),
    "does not speak HTTP": Case(faults.raw(b"\x15\x03\x01\x00\x02\x02\x46"), KEPT, "HTTP/0.9"),
    "429": Case(faults.answer(429, b"slow down", Retry_After="1"), KEPT, "HTTP status 429: slow down"),
    "502": Case(faults.answer(502), KEPT, "HTTP status 502"),
    "503 until a date": Case(faults.answer(503, Retry_After=faults.in_a_second), KEPT, "HTTP status 503"),
    "503": Case(faults.answer(503), KEPT, "HTTP status 503"),
    "504": Case(faults.answer(504), KEPT, "HTTP status 504"),
    "400": Case(faults.answer(400, b"bad span"), REFUSED, "HTTP status 400: bad span"),
    "401": Case(faults.answer(401), REFUSED, "HTTP status 401"),
    "404": Case(faults.answer(404), REFUSED, "HTTP status 404"),
    "500": Case(faults.answer(500), REFUSED, "HTTP status 500"),
    "400, and closes within the answer": Case(
        faults.raw(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 100\r\n\r\nno"), REFUSED, "HTTP status 400"
    ),
    "redirects": Case(faults.answer(307, Location="http://127.0.0.1:1/v1/traces"), REFUSED, "HTTP status 307"),
    "endless body": Case(faults.endless(faults.OK_HEAD + b"\r\n", bytes(65536)), REFUSED, "longer than 4 MiB"),
    "endless headers": Case(faults.endless(b"HTTP/1.1 200 OK\r\n", b"x-more: 1\r\n" * 1000), DELIVERED, None),
    "slow body": Case(faults.endless(faults.OK_HEAD + b"\r\n", b"\0", pause=0.05), DELIVERED, None, timeout=4000),
    "closes within the answer": Case(faults.raw(faults.OK_HEAD + b"Content-Length: 100\r\n\r\n\x0a"), DELIVERED, None),
    "garbage in the answer": Case(faults.answer(200, b"\xff\xfe{}"), DELIVERED, None),
    "gzip bomb": Case(faults.answer(200, faults.BOMB, Content_Encoding="gzip"), DELIVERED, None),
    "takes some of the spans": Case(faults.answer(200, faults.partial(1, faults.PARTIAL_MESSAGE)), DELIVERED, faults.PARTIAL_MESSAGE, rejected=1),
    "takes all and warns": Case(faults.answer(200, faults.partial(0, faults.WARNING_MESSAGE)), DELIVERED, faults.WARNING_MESSAGE),
}
SECRET = "canary-of-an-api-key"


@dataclass
class Outcome:
    """What was seen of one case."""

    receiver: Receiver
    programs: list
    # The destination in `otel-relay status --json`, while the collector fails and after it has recovered.
    failing: dict
    recovered: dict


def start_curl(agent, web, name, case, receiver):
    environment = agent.environment(
        OTEL_SERVICE_NAME=name,
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
        OTEL_EXPORTER_OTLP_TIMEOUT=case.timeout,
        OTEL_EXPORTER_OTLP_HEADERS=f"api-key={SECRET}",
    )
    return agent.start("curl", "-sS", f"{web.url}/", environment=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def destinations(agent):
    return {int(found["endpoint"].split(":")[2].split("/")[0]): found for found in agent.relay_report()["destinations"]}


def is_told(case, destination):
    """Whether the relay has met the fault and says so."""
    if not destination:
        return False
    if case.fate == DELIVERED and case.error is None:
        return destination["sent"] >= 1
    return destination["lastError"] is not None


def wait_for_all(agent, receivers, condition):
    """Until `condition(name, destination)` holds for each; returns the destinations as they were then, or are at the end."""
    found = {}

    def hold():
        now = destinations(agent)
        for name, receiver in receivers.items():
            if name not in found and condition(name, now.get(receiver.port)):
                found[name] = now[receiver.port]
        return len(found) == len(receivers)

    wait_until(hold, timeout=60, pause=0.1)
    now = destinations(agent)
    return {name: found.get(name) or now.get(receiver.port) or {} for name, receiver in receivers.items()}


@pytest.fixture(scope="module")
def outcomes(shipped):
    web = WebServer()
    receivers = {name: Receiver(is_listening=case.fault is not None) for name, case in CASES.items()}
    agent = Agent(next(iter(receivers.values())).url)
    # One that does not leave between two programs.
    relay = subprocess.Popen([agent.layout.relay], env=agent.bare_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert wait_until(lambda: agent.relay_status().returncode == 0), "the relay did not start"
    try:
        for name, case in CASES.items():
            receivers[name].mode = case.fault or "ok"
        first = {name: start_curl(agent, web, name, case, receivers[name]) for name, case in CASES.items()}
        programs = {name: [(program.communicate(timeout=60), program.returncode)] for name, program in first.items()}
        failing = wait_for_all(agent, receivers, lambda name, seen: is_told(CASES[name], seen))
        told = agent.relay_status().stdout + json.dumps(failing) + agent.log() + Path(f"/proc/{relay.pid}/cmdline").read_text()

        for name, receiver in receivers.items():
            receiver.mode = "ok"
            if not receiver.is_listening:
                receiver.listen()
        second = {name: start_curl(agent, web, name, case, receivers[name]) for name, case in CASES.items()}
        for name, program in second.items():
            programs[name].append((program.communicate(timeout=60), program.returncode))
        recovered = wait_for_all(agent, receivers, lambda _, seen: seen and seen["waiting"] == 0 and seen["sent"] + seen["refused"] + seen["rejected"] == 2)
        peak = int(re.search(r"^VmHWM:\s+(\d+) kB", Path(f"/proc/{relay.pid}/status").read_text(), re.M)[1])
        found = {name: Outcome(receivers[name], programs[name], failing[name], recovered[name]) for name in CASES}
        yield found, told, peak
    finally:
        for receiver in receivers.values():
            receiver.stop()
        web.stop()
        relay.terminate()
        relay.wait()
        agent.close()


@pytest.mark.parametrize("name", CASES)
def test_a_fault_and_its_end(outcomes, name):
    case, seen = CASES[name], outcomes[0][name]
    assert not seen.receiver.problems
    # The programs do not notice.
    assert seen.programs == [(("200 GET\n", ""), 0)] * 2
    if case.error is None:
        assert not seen.failing["lastError"]
    else:
        assert case.error.lower() in seen.failing["lastError"]["message"].lower()
        assert seen.receiver.url in seen.failing["lastError"]["message"]

    arrived = [span.span_id for span in seen.receiver.spans if span.service == name]
    assert len(arrived) == len(set(arrived)), "a span arrived twice"
    if case.fate == KEPT:
        assert len(arrived) == 2, "spans were lost"
        assert (seen.recovered["sent"], seen.recovered["refused"]) == (2, 0)
        assert set(seen.receiver.offered) <= set(arrived)
    else:
        # The first span was shown to the collector once, and never again.
        assert len(seen.receiver.offered) == 1
        assert len(arrived) == 1 and arrived != seen.receiver.offered
        refused = 1 if case.fate == REFUSED else 0
        assert (seen.recovered["refused"], seen.recovered["rejected"]) == (refused, case.rejected)


def test_what_is_told_helps_and_keeps_secrets(outcomes):
    found, told, _ = outcomes
    assert SECRET not in told
    assert all(SECRET == headers["api-key"] for seen in found.values() for headers in seen.receiver.requests)
    for words in ("Is the collector running?", "OTEL_EXPORTER_OTLP_HEADERS", "final address", "OTEL_EXPORTER_OTLP_TIMEOUT", "does not speak HTTP"):
        assert words in told, words


def test_the_relay_does_not_grow(outcomes):
    """With a bomb, an endless body and endless headers at once."""
    assert outcomes[2] < 64 * 1024
