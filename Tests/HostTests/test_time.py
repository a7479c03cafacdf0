"""Clocks that jump, run fast, stand still or are others': a span lasts as long as it lasted, and nobody storms."""

import os
import signal
import struct
import subprocess
import time

import pytest

from harness import programs
from harness.agent import wait_until
from harness.limits import limited
from harness.obedient import Obedient

HOUR, YEAR = 3600, 365 * 86400
SECOND = 10**9
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


def seconds(span):
    return (span.end - span.start) / SECOND


@pytest.fixture
def clock(tmp_path):
    """Sets the wall clock of programs that load clockstep.so."""
    file = tmp_path / "step"
    file.write_bytes(struct.pack("=q", 0))

    def set_clock(step):
        with open(file, "r+b") as open_file:
            open_file.write(struct.pack("=q", step))

    set_clock.variables = {"LD_PRELOAD": str(programs.library("clockstep.so")), "CLOCKSTEP": str(file)}
    return set_clock


def forget_far_times(receiver):
    """A clock that is set to another year makes spans of that year."""
    receiver.problems = [problem for problem in receiver.problems if ": it ends at " not in problem]


@pytest.mark.parametrize("step", [-HOUR, HOUR, YEAR])
def test_the_clock_is_set(agent, receiver, web, acceptor, clock, step):
    """In the middle of a span: it lasts as long as it did. Later ones have the new time."""
    agent.start_relay()
    host = Obedient(agent, acceptor, web, **clock.variables)
    host.do("h")
    assert wait_until(lambda: web.requests)
    clock(step)
    # It is looked at again with the next record that comes a tenth of a second later.
    time.sleep(0.15)
    host.do("d")
    host.do("w")
    (first,) = receiver.wait(1, where=lambda span: span.name == "GET")
    assert 0.4 < seconds(first) < 60
    assert abs(first.start / SECOND - time.time()) < 120
    assert wait_until(lambda: has_time(host, receiver, step), timeout=30, pause=0.1)
    host.end()
    agent.close()
    assert all(0 <= seconds(span) < 60 for span in receiver.spans)
    forget_far_times(receiver)


def has_time(host, receiver, step):
    before = len(receiver.spans)
    host.do("d")
    spans = receiver.wait(before + 1)
    return abs(spans[-1].start / SECOND - time.time() - step) < 120


def test_stopped_in_the_middle(agent, receiver, web):
    process = agent.start("curl", "-sS", f"{web.url}/slow", stdout=subprocess.DEVNULL)
    assert wait_until(lambda: web.requests)
    process.send_signal(signal.SIGSTOP)
    time.sleep(1.2)
    process.send_signal(signal.SIGCONT)
    assert process.wait(30) == 0
    (span,) = receiver.wait(1)
    assert 1.2 <= seconds(span) < 60


@pytest.mark.parametrize("fake", ["+0 x100", "-15d", "+15d x2"])
@pytest.mark.parametrize("order", ["before", "after"])
def test_faketime(agent, receiver, web, fake, order):
    """The program's clock is the program's: also the agent goes by it."""
    agent.start_relay()
    program = ["curl", "-sS", f"{web.url}/status/200", f"{web.url}/status/404"]
    entries = [str(agent.layout.library), FAKETIME]
    bare = agent.run(*program, environment=agent.bare_environment(LD_PRELOAD=FAKETIME, FAKETIME=fake))
    preload = ":".join(entries if order == "before" else reversed(entries))
    traced = agent.run(*program, environment=agent.bare_environment(LD_PRELOAD=preload, FAKETIME=fake))
    assert (traced.returncode, traced.stdout, traced.stderr) == (bare.returncode, bare.stdout, bare.stderr) == (0, "200 GET\n404 GET\n", "")
    receiver.wait(2)
    agent.close()
    # A time that it does not like the receiver refuses, and is asked again.
    spans = {span.span_id: span for span in receiver.spans}.values()
    days = 15 * (fake.startswith("+15d") - fake.startswith("-15d"))
    assert len(spans) == 2
    assert all(0 <= seconds(span) < 6000 and abs(span.start / SECOND - time.time() - days * 86400) < 6000 for span in spans)
    forget_far_times(receiver)


def test_clocks_that_agree(agent, receiver, acceptor):
    """Wall clock and monotonic clock may tell the same time, to the nanosecond: that is not a clock that cannot be read."""
    agent.start_relay()
    done = agent.run(programs.build("dialer"), acceptor, 3, environment=agent.bare_environment(LD_PRELOAD=f"{agent.layout.library}:{programs.library('oneclock.so')}"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert receiver.wait_until(lambda spans: len({span.span_id for span in spans}) == 3)


def test_another_time_name_space(agent, receiver, acceptor):
    """The relay's heartbeat looks eleven days old there: that may cost a region now and then, and a batch under way twice, but no span."""
    agent.start_relay()
    command = ["unshare", "-T", "--fork", "--monotonic", 1000000, "--boottime", 1000000, programs.build("dialer"), acceptor, 150, 10000]
    assert limited(agent, command, True) == (0, "", "")
    own = lambda spans: [span for span in spans if span.resource["process.executable.name"] == "dialer"]  # noqa: E731
    assert receiver.wait_until(lambda spans: len({span.span_id for span in own(spans)}) == 150)
    spans = own(receiver.spans)
    assert all(0 <= seconds(span) < 60 and abs(span.start / SECOND - time.time()) < 120 for span in spans)
    # In a second and a half.
    status = agent.relay_report()
    assert status["processes"]["gone"] <= 6, status["processes"]


def test_a_relay_whose_clock_is_set(agent, receiver, acceptor, clock):
    """It retries by a clock that nobody sets, and what is there arrives."""
    receiver.mode = 503
    environment = agent.bare_environment(**clock.variables)
    relay = subprocess.Popen([agent.layout.relay], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert wait_until(lambda: agent.relay_status().returncode == 0)
        assert agent.run(programs.build("dialer"), acceptor, 20).returncode == 0
        assert wait_until(lambda: receiver.offered or receiver.requests or len(receiver.spans) or agent.relay_status().stdout.count("503"))
        for step in (YEAR, -HOUR, 0):
            clock(step)
            time.sleep(0.4)
        status = agent.relay_report()
        assert status["spans"]["recorded"] == 20 and status["spans"]["waiting"] == 20, status
        receiver.mode = "ok"
        assert len(receiver.wait(20, timeout=60)) == 20
        assert os.path.exists(f"/proc/{relay.pid}")
    finally:
        relay.terminate()
        relay.wait(20)
