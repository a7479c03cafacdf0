"""Hosts that lock themselves in, and hosts that are large."""

import pytest

from harness import programs


@pytest.mark.parametrize("when", ["first", "exec"])
def test_a_kill_filter_before_the_first_record_harms_nobody(agent, acceptor, when):
    done = agent.run(programs.build("seccomp"), when, acceptor, 100)
    assert (done.returncode, done.stdout, done.stderr) == (0, "unharmed\n", "")


def test_a_kill_filter_after_the_first_record_stops_nothing(agent, receiver, acceptor):
    """The region is there already: recording needs no system call."""
    done = agent.run(programs.build("seccomp"), "after", acceptor, 100)
    assert (done.returncode, done.stdout, done.stderr) == (0, "unharmed\n", "")
    assert len(receiver.wait(200)) == 200


def test_a_host_of_2_gib_records(agent, receiver, acceptor):
    agent.start_relay()
    available = int(next(line for line in open("/proc/meminfo") if line.startswith("MemAvailable")).split()[1])
    if available < 3 << 20:
        pytest.skip(f"needs 3 GiB of free memory, {available >> 10} MiB are available")
    assert agent.run(programs.build("big"), acceptor, 2048).returncode == 0
    assert len(receiver.wait(1)) == 1


@pytest.mark.parametrize("limit", ["-n 4", "-f 1", "-u 1", "-v 200000", "-s 64", "-l 0", "-c 0"])
def test_tight_limits_harm_nobody(agent, acceptor, limit):
    """A small file size limit raises SIGXFSZ in whoever grows a memfd beyond it."""
    command = ["bash", "-c", f'ulimit {limit}; exec "$@"', "bash", programs.build("dialer"), acceptor, 20]
    bare, traced = agent.run_bare(*command), agent.run(*command)
    assert (traced.returncode, traced.stdout, traced.stderr) == (bare.returncode, bare.stdout, bare.stderr)


def test_a_host_that_closes_everything_records(agent, receiver, acceptor):
    script = f"""
import os, socket
def dial():
    socket.create_connection(("127.0.0.1", {acceptor})).close()
dial()
before = sorted(os.listdir("/proc/self/fd"))
os.closerange(3, 1000)
for _ in range(5):
    dial()
assert sorted(os.listdir("/proc/self/fd")) == before, (before, os.listdir("/proc/self/fd"))
"""
    done = agent.run("/usr/bin/python3", "-c", script)
    assert done.returncode == 0, done.stderr
    assert len(receiver.wait(6)) == 6
