"""The relay comes, goes and is killed; what its hosts recorded stays theirs."""

import os
import re
import resource
import signal
import struct
import subprocess
import time
from pathlib import Path

import pytest

from harness import programs
from harness.agent import is_alive, wait_until
from harness.webserver import closed_port


def dials_returned(file):
    return struct.unpack("=Q", file.read_bytes())[0] if file.exists() and file.stat().st_size == 8 else 0


def start_dialers(agent, acceptor, folder, count, pause_us=5000):
    """Hosts that dial until they are ended; by name, with the file of what returned to them."""
    hosts = {}
    for number in range(count):
        name = f"host-{number}"
        environment = agent.environment(OTEL_SERVICE_NAME=name, OTEL_BSP_MAX_QUEUE_SIZE=100_000)
        command = [programs.build("dialer"), acceptor, 0, pause_us, folder / name]
        hosts[name] = (agent.start(*command, environment=environment), folder / name)
    return hosts


def start_idle(agent, acceptor, name, folder):
    """A host that records three spans, and then nothing until its standard input is closed: then it ends by itself."""
    script = f"""
import socket, sys
for _ in range(3):
    socket.create_connection(("127.0.0.1", {acceptor})).close()
open({str(folder / name)!r}, "w").write("done")
sys.stdin.read()
"""
    process = agent.start(
        "/usr/bin/python3", "-c", script, environment=agent.environment(OTEL_SERVICE_NAME=name), stdin=subprocess.PIPE
    )
    assert wait_until((folder / name).exists)
    return process


def end_all(hosts):
    for process, _ in hosts.values():
        process.terminate()
    for process, _ in hosts.values():
        process.wait()


def await_handed_over(receiver, hosts):
    """Until each has found the next relay. It looks for one ten times a second; ended by a signal before that, it could not."""
    assert receiver.wait_until(lambda spans: hosts.keys() <= {span.service for span in spans})


def arrived_by_host(receiver):
    arrived = {}
    for span in receiver.spans:
        if span.error != "process_ended":
            arrived.setdefault(span.service, set()).add(span.span_id)
    return {name: len(ids) for name, ids in arrived.items()}


def assert_all_arrive(agent, receiver, returned, timeout=40):
    def complete(_):
        arrived = arrived_by_host(receiver)
        return all(arrived.get(name, 0) >= count for name, count in returned.items())

    if not receiver.wait_until(complete, timeout):
        arrived = arrived_by_host(receiver)
        lost = {name: count - arrived.get(name, 0) for name, count in returned.items() if arrived.get(name, 0) < count}
        pytest.fail(f"lost: {lost}\n{agent.relay_status().stdout}\n{agent.log()}")


def test_sigterm_of_the_relay_loses_nothing(agent, receiver, acceptor, tmp_path):
    receiver.mode = 503  # so that nothing has been exported when it goes
    hosts = start_dialers(agent, acceptor, tmp_path, 19)
    idle = start_idle(agent, acceptor, "idle", tmp_path)
    assert wait_until(lambda: all(dials_returned(file) > 20 for _, file in hosts.values()))
    first = agent.relay()
    os.kill(first, signal.SIGTERM)
    assert wait_until(lambda: not is_alive(first), timeout=15), "the relay did not leave"
    receiver.mode = "ok"
    # The others notice at their next record, and one of them starts the next relay.
    assert wait_until(lambda: agent.relays() not in ([], [first]), timeout=10)
    await_handed_over(receiver, hosts)
    idle.stdin.close()  # the idle one notices at its end
    assert idle.wait(10) == 0
    end_all(hosts)
    returned = {name: dials_returned(file) for name, (_, file) in hosts.items()} | {"idle": 3}
    assert_all_arrive(agent, receiver, returned)
    assert len(agent.relays()) == 1


def test_sigkill_of_the_relay_loses_only_the_killed(agent, receiver, acceptor, tmp_path, measured):
    receiver.mode = 503
    hosts = start_dialers(agent, acceptor, tmp_path, 10)
    assert wait_until(lambda: all(dials_returned(file) > 20 for _, file in hosts.values()))
    first = agent.relay()
    os.kill(first, signal.SIGKILL)
    assert wait_until(lambda: not is_alive(first))
    # Half of them die of SIGKILL before they can notice; the others go on.
    killed = {name: host for name, host in hosts.items() if int(name[5:]) % 2}
    for process, _ in killed.values():
        process.kill()
        process.wait()
    receiver.mode = "ok"
    survivors = {name: host for name, host in hosts.items() if name not in killed}
    assert wait_until(agent.relays, timeout=20), "no survivor started another relay"
    await_handed_over(receiver, survivors)
    end_all(survivors)
    assert_all_arrive(agent, receiver, {name: dials_returned(file) for name, (_, file) in survivors.items()})
    arrived = arrived_by_host(receiver)
    lost = sum(dials_returned(file) - arrived.get(name, 0) for name, (_, file) in killed.items())
    total = sum(dials_returned(file) for _, file in hosts.values())
    measured(f"relay killed by SIGKILL: 5 hosts that went on lost 0 spans; 5 killed at the same moment lost {lost} (of {total} in all)")


def test_200_programs_at_once_start_one_relay(agent, receiver, acceptor, measured):
    program, environment = programs.build("dialer"), agent.environment()
    began = time.monotonic()
    hosts = [agent.start(program, acceptor, 1, environment=environment) for _ in range(200)]
    seen = set()
    while any([host.poll() is None for host in hosts]):
        seen.update(agent.relays())
    took = time.monotonic() - began
    seen.update(agent.relays())
    assert {host.returncode for host in hosts} == {0}
    assert len(receiver.wait(200)) == 200
    assert len({span.span_id for span in receiver.spans}) == 200
    assert len(seen) == 1, f"{len(seen)} relays"
    measured(f"200 programs at once, no relay: one relay, every span; {took:.2f} s in all")


def test_a_program_that_ends_3_ms_after_its_first_record(agent, receiver, acceptor):
    done = agent.run(programs.build("dialer"), acceptor, 1, 0, "-", 3000)
    assert done.returncode == 0
    assert len(receiver.wait(1)) == 1


def test_a_program_that_ends_at_once(agent, receiver, acceptor):
    assert agent.run(programs.build("dialer"), acceptor, 1).returncode == 0
    assert len(receiver.wait(1)) == 1


def memory_of(pid, field="VmHWM"):
    return int(re.search(rf"^{field}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.M)[1])


def cost_of(count, command, environment):
    """Milliseconds of CPU of one short process, children's user and system time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [str(word) for word in command]
    for _ in range(count):
        pid = os.posix_spawn(command[0], command, environment)
        assert os.waitpid(pid, 0)[1] == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / count


def test_5000_short_processes(agent, receiver, acceptor, measured):
    count = 5000
    command = [programs.build("dialer"), acceptor, 1]
    bare = cost_of(500, command, agent.bare_environment())
    # Not before: on a busy machine it would leave meanwhile.
    relay = agent.start_relay()
    traced = cost_of(count, command, agent.environment())
    assert len(receiver.wait(count, timeout=60)) == count, agent.relay_status().stdout
    assert agent.relays() == [relay]
    peak = memory_of(relay)
    measured(
        f"{count} short processes: {traced:.2f} ms CPU each, {bare:.2f} without the agent;"
        f" {len(receiver.requests)} export requests; relay's peak memory {peak} kB"
    )
    assert peak < 64 * 1024


def test_the_relay_leaves_when_nobody_is_left(agent, receiver, acceptor):
    assert agent.run(programs.build("dialer"), acceptor, 1).returncode == 0
    relay = agent.relay()
    assert wait_until(lambda: not is_alive(relay), timeout=20)
    # And the next program finds the way again.
    assert agent.run(programs.build("dialer"), acceptor, 1).returncode == 0
    assert len(receiver.wait(2)) == 2


def signals(mask):
    """The numbers in a mask of proc(5)."""
    return {number + 1 for number in range(64) if int(mask, 16) >> number & 1}


def may_raise_limits():
    """CAP_SYS_RESOURCE is number 24."""
    mask = re.search(r"^CapEff:\s+(\w+)", Path("/proc/self/status").read_text(), re.M)[1]
    return int(mask, 16) >> 24 & 1 == 1


# Each host leaves something in its process that a child would inherit.
INHERITED = {
    "affinity": ["taskset", "-c", "0"],
    "cpu limit": ["bash", "-c", 'ulimit -S -t 5; exec "$@"', "bash"],
    "file size limit": ["bash", "-c", 'ulimit -S -f 20000; exec "$@"', "bash"],
    "hard limits": ["bash", "-c", 'ulimit -t 50; ulimit -n 100; exec "$@"', "bash"],
    "descriptors": ["sh", "-c", 'exec 7</etc/passwd 8>/dev/null; exec "$@"', "sh"],
    "ignored signals": ["sh", "-c", 'trap "" TERM HUP INT CHLD; exec "$@"', "sh"],
    "nice": ["nice", "-n", "5"],
    "umask": ["sh", "-c", 'umask 0; exec "$@"', "sh"],
    "out of memory score": ["sh", "-c", 'echo 500 > /proc/self/oom_score_adj; exec "$@"', "sh"],
}


@pytest.mark.parametrize("name", INHERITED)
def test_the_relay_has_nothing_of_its_starters(agent, receiver, acceptor, name):
    if os.geteuid() != 0:
        pytest.skip("needs root: the /proc files of a relay, which is not dumpable, are root's")
    foreign = {"LD_LIBRARY_PATH": "/nonexistent/foreign", "FOREIGN": "1", "MALLOC_ARENA_MAX": "1"}
    done = agent.run(*INHERITED[name], programs.build("dialer"), acceptor, 1, **foreign)
    assert done.returncode == 0, done.stderr
    assert len(receiver.wait(1)) == 1
    relay = agent.relay()
    process = Path(f"/proc/{relay}")
    status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines() if ":\t" in line)

    environment = {entry.split(b"=")[0].decode() for entry in (process / "environ").read_bytes().split(b"\0") if entry}
    assert not {variable for variable in environment if variable.startswith("LD_") or variable in foreign}
    assert os.sched_getaffinity(relay) == os.sched_getaffinity(0)
    for limit in (resource.RLIMIT_CPU, resource.RLIMIT_FSIZE, resource.RLIMIT_AS):
        soft, hard = resource.prlimit(relay, limit)
        assert soft == hard
        # A hard limit comes back only for who may raise it; not even every root may.
        assert hard == resource.RLIM_INFINITY or (name == "hard limits" and not may_raise_limits())
    assert os.getpriority(os.PRIO_PROCESS, relay) == 0
    # Those it blocks, it blocks itself: they tell it to leave, and are read from a descriptor.
    assert signals(status["SigBlk"]) <= {signal.SIGHUP, signal.SIGINT, signal.SIGTERM}
    # glibc's posix_spawn leaves its two internal signals ignored in the child, and sigaction refuses to touch them.
    assert signals(status["SigIgn"]) <= {signal.SIGPIPE, 32, 33}
    assert int(status["Umask"], 8) == 0o077
    assert os.readlink(process / "cwd") == "/"
    assert (process / "oom_score_adj").read_text().strip() == Path("/proc/self/oom_score_adj").read_text().strip()
    assert os.getsid(relay) == relay
    targets = {os.readlink(link) for link in (process / "fd").iterdir()}
    assert not {target for target in targets if "passwd" in target or "pipe:" in target}
    assert {os.readlink(process / f"fd/{number}") for number in range(3)} == {"/dev/null"}


def test_space_around_a_relays_path_is_no_part_of_it(agent, receiver, acceptor):
    socket = agent.world / "relay.sock"
    relay = subprocess.Popen(
        [agent.layout.relay, "--listen", f"unix:{socket}"], env=agent.bare_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        assert wait_until(lambda: agent.relay_status(OTEL_NATIVE_RELAY=f"unix:{socket}").returncode == 0)
        assert agent.run(programs.build("dialer"), acceptor, 1, OTEL_NATIVE_RELAY=f" unix:{socket} ").returncode == 0
        assert len(receiver.wait(1)) == 1
    finally:
        relay.terminate()
        relay.wait()


def test_status_names_a_wrong_port(agent, receiver, acceptor):
    port = closed_port()
    agent.run(programs.build("dialer"), acceptor, 1, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}")
    status = wait_until(lambda: f"127.0.0.1:{port}" in (text := agent.relay_status().stdout) and "OTEL_EXPORTER_OTLP_ENDPOINT" in text and text)
    assert status, agent.relay_status().stdout
    assert "refused" in status


def test_status_explains_a_401(agent, receiver, acceptor):
    receiver.mode = 401
    agent.run(programs.build("dialer"), acceptor, 1, OTEL_EXPORTER_OTLP_HEADERS="api-key=canary")
    status = wait_until(lambda: "401" in (text := agent.relay_status().stdout) and text)
    assert status, agent.relay_status().stdout
    assert "OTEL_EXPORTER_OTLP_HEADERS" in status
    assert "canary" not in status + agent.log()


def test_status_without_a_relay_is_one_clear_sentence(agent):
    done = agent.relay_status()
    assert done.returncode == 1
    assert len((done.stdout + done.stderr).strip().splitlines()) == 1


def test_status_counts(agent, receiver, acceptor):
    host = agent.start(programs.build("dialer"), acceptor, 7, 0, "-", 10_000_000)
    try:
        receiver.wait(7)
        status = wait_until(lambda: re.search(r"\b7\b", text := agent.relay_status().stdout) and text)
        assert status
        assert str(host.pid) in status
        assert "dialer" in status or "host-test" in status
    finally:
        host.kill()
        host.wait()
