"""programs/soak.c under the agent, while its relay is ended again and again: every number has to arrive, once."""

import os
import re
import signal
import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median

from . import programs
from .agent import Agent, is_alive, wait_until
from .receiver import Receiver

# Numbers that may pass without a span, but make no two. 17: what a handler does below a traced call makes no span of its own, by design.
# 10 to 13: their libcurls are loaded and unloaded all the time, and once sixteen have been met at places of their own, more are not traced.
MAY_PASS = {10, 11, 12, 13, 17}


class Numbers:
    """Which numbers have arrived, by row, and what came twice. A span that came again, as the same span, is told from a second span of
    the same number: the former was delivered twice, the latter recorded twice."""

    def __init__(self):
        self.arrived = {}
        self.repeated = []
        self.recorded_twice = []
        self.foreign = []

    def take(self, span):
        if span.attributes.get("network.peer.address") == "127.0.0.1" and "url.full" not in span.attributes:
            return  # The connect of a transfer that passed untraced (MAY_PASS).
        key = key_of(span)
        if not key:
            self.foreign.append(span.name)
            return
        row, number = key
        ids = self.arrived.setdefault(row, {})
        if number not in ids:
            ids[number] = span.span_id
        elif ids[number] == span.span_id:
            self.repeated.append(key)
        else:
            self.recorded_twice.append(key)

    def total(self):
        return sum(len(ids) for row, ids in self.arrived.items() if row not in MAY_PASS)

    def missing(self, expected):
        """`expected` has for each row how many numbers were used."""
        return [(row, number) for row, count in expected.items() for number in range(count) if number not in self.arrived.get(row, {})]


def key_of(span):
    """Row and number, of the path of a request or of the address of a connect, as soak.c makes them."""
    if found := re.search(r"^http://127\.0\.0\.1:\d+/(\d+)/(\d+)$", span.attributes.get("url.full", "")):
        return int(found[1]), int(found[2])
    if found := re.fullmatch(r"127\.(\d+)\.(\d+)\.(\d+)", span.attributes.get("network.peer.address", "")):
        row, high, low = map(int, found.groups())
        return row - 1, (span.attributes["network.peer.port"] - 1) << 16 | high << 8 | low
    return None


@dataclass
class Soak:
    """What a run came to."""

    status: int
    said: str
    expected: dict  # how many numbers each row used
    numbers: Numbers
    problems: list
    relays_ended: int
    status_text: str
    # Resident KiB, (second, value) each.
    host: list = field(default_factory=list)
    relay: list = field(default_factory=list)

    @property
    def faults(self):
        """What must not be with relays that are ended in good order."""
        missing = self.numbers.missing(self.expected)
        named = {
            "did not arrive": missing,
            "arrived twice": self.numbers.repeated,
            "were recorded twice": self.numbers.recorded_twice,
            "were of somebody else": self.numbers.foreign,
            "were refused by the receiver": self.problems,
        }
        said = [f"{len(found)} spans {what}: {found[:12]}" for what, found in named.items() if found]
        if self.status:
            said.append(f"the program ended with {self.status}:\n{self.said[-3000:]}")
        return said


def resident(pid):
    """Resident KiB of a process; None when it has gone."""
    try:
        with open(f"/proc/{pid}/status") as file:
            return int(re.search(r"^VmRSS:\s+(\d+)", file.read(), re.M)[1])
    except (OSError, TypeError):
        return None


def growth(samples):
    """From the median of the second quarter to that of the last: until then caches fill. In KiB."""
    values = [value for _, value in samples]
    quarter = max(len(values) // 4, 1)
    return median(values[-quarter:]) - median(values[quarter : 2 * quarter]) if values else 0


def plugin(flavour):
    source = programs.SOURCES / "soak_plugin.c"
    return programs.build(f"soak_plugin-{flavour}.so", source, flags=["-shared", "-fPIC"], libraries=[programs.FLAVOURS[flavour]])


def soak(seconds, end_relay=signal.SIGTERM, every=5.0, quiet=2.0, patience=60, pace=1, is_traced=True):
    """Runs it for `seconds`; each relay is ended by the signal `end_relay` after `every` seconds, but none in the last `quiet` ones. Waits
    `patience` seconds at most for what has not arrived at the end. `pace`: so many times as slowly."""
    with ExitStack() as stack:
        numbers = Numbers()
        receiver = Receiver(on_spans=lambda spans: [numbers.take(span) for span in spans])
        stack.callback(receiver.stop)
        agent = Agent(receiver.url)
        stack.callback(agent.close)
        # A queue for what comes while the receiver, which is Python, is behind.
        environment = (agent.environment if is_traced else agent.bare_environment)(OTEL_BSP_MAX_QUEUE_SIZE=200_000)
        port = stack.enter_context(programs.serving("soak_server"))
        plugins = [plugin(flavour) for flavour in programs.FLAVOURS]
        command = [programs.build("soak", libraries=["-lcurl"]), seconds, port, pace, *plugins]
        output = open(agent.world / "output", "w+")
        stack.callback(output.close)
        process = agent.start(*command, environment=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        result = Soak(0, "", {}, numbers, receiver.problems, 0, "")
        begin = time.monotonic()
        end_next = begin + every
        while process.poll() is None:
            time.sleep(0.5)
            now = time.monotonic()
            if now > begin + seconds + 60:
                result.said = stacks(process.pid)
                process.kill()
                process.wait()
                break
            receiver.clear()
            relays = agent.relays() if is_traced else []
            for samples, pid in ((result.host, process.pid), (result.relay, relays[0] if relays else None)):
                if pid and (value := resident(pid)):
                    samples.append((now - begin, value))
            if end_relay and relays and now > end_next and now < begin + seconds - quiet:
                os.kill(relays[0], end_relay)
                result.relays_ended += 1
                end_next = now + every
        output.seek(0)
        said = output.read()
        result.status, result.said = process.returncode, said + result.said
        rows = {int(row): int(count) for row, count in re.findall(r"^(\d+) (\d+) \d+$", said, re.M)}
        result.expected = {row: count for row, count in rows.items() if row not in MAY_PASS}
        failures = sum(int(count) for count in re.findall(r"^\d+ \d+ (\d+)$", said, re.M))
        if failures and not result.status:
            result.status = f"{failures} failed calls"
        if is_traced:
            total = sum(result.expected.values())
            wait_until(lambda: numbers.total() >= total, timeout=patience, pause=0.1)
            # What comes twice comes later.
            wait_until(lambda: False, timeout=1)
            result.status_text = agent.relay_status().stdout + agent.log()
        return result


def stacks(pid):
    """Where its threads wait, as the kernel says; for one that does not end."""
    lines = []
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/wchan") as where, open(f"/proc/{pid}/task/{task}/syscall") as call:
                lines.append(f"thread {task}: {where.read()} in system call {call.read().strip()}")
        except OSError:
            pass
    return "it did not end:\n" + "\n".join(lines) + "\n"
