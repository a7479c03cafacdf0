"""Containers, as far as they matter here: a pid name space of its own, and the program as its process 1."""

import os
import signal
import subprocess
import time

import pytest

from harness import programs
from harness.agent import is_alive, wait_until
from harness.webserver import silent_port

NAMESPACE = ["unshare", "-pf", "--mount-proc"] if os.geteuid() == 0 else ["unshare", "-Urpf", "--mount-proc"]


@pytest.fixture(autouse=True)
def namespaces_work():
    done = subprocess.run([*NAMESPACE, "true"], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"{' '.join(NAMESPACE)} does not work here: {done.stderr.strip()}")


def contained(agent, *command, launcher=False, timeout=60, **variables):
    """Runs `command` as process 1 of a new pid name space, bare or under the launcher (which then is process 1).

    LD_PRELOAD is set inside: unshare itself is not what is tested.
    """
    environment = agent.bare_environment(**variables)
    if launcher:
        inside = [agent.layout.launcher, *command]
    else:
        inside = ["/usr/bin/env", f"LD_PRELOAD={agent.layout.library}", *command]
    return agent.run(*NAMESPACE, *inside, environment=environment, timeout=timeout)


def test_launcher_as_process_1_delivers_before_it_ends(agent, receiver, acceptor):
    done = contained(agent, programs.build("dialer"), acceptor, 5, launcher=True)
    assert done.returncode == 0, done.stderr
    # The name space is gone, and with it any relay that was inside: what arrives was sent before.
    assert len(receiver.wait(5, timeout=3)) == 5


@pytest.mark.parametrize("script, status", [("exit 0", 0), ("exit 42", 42), ("kill -TERM $$", 128 + signal.SIGTERM), ("kill -KILL $$", 128 + signal.SIGKILL)])
def test_launcher_as_process_1_passes_the_status_on(agent, script, status):
    assert contained(agent, "sh", "-c", script, launcher=True).returncode == status


@pytest.mark.parametrize("script, status", [("exit 3", 3), ("kill -TERM $$", 128 + signal.SIGTERM)])
def test_a_view_in_a_container(agent, acceptor, script, status):
    """As process 1 the launcher is the init as well."""
    inside = [agent.layout.launcher, "--view", "sh", "-c", f"{programs.build('dialer')} {acceptor} 2; {script}"]
    done = subprocess.run(
        [*NAMESPACE, *map(str, inside)], env=agent.bare_environment(), capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    assert done.returncode == status
    assert "1 process" in done.stderr and "2 spans" in done.stderr


# What was executed last is what the signal ended; what was before it ended by its own execve.
@pytest.mark.parametrize(
    "way, errors",
    [("SIGSEGV", ["SIGSEGV"]), ("SIGKILL", ["SIGKILL"]), ("abort", ["SIGABRT"]), ("_exit", ["process_ended"]), ("execve, SIGKILL", ["process_ended"])],
)
def test_launcher_as_process_1_tells_what_ended_its_program(agent, receiver, acceptor, way, errors):
    with silent_port() as peer:
        done = contained(agent, programs.build("ends"), way, acceptor, 1, peer, launcher=True)
    count = 3 if "execve" in way else 2
    assert len(receiver.wait(count, timeout=5)) == count, done
    assert [span.error for span in receiver.spans if span.error] == errors


def test_launcher_as_process_1_knows_nothing_of_its_programs_children(agent, receiver, acceptor):
    with silent_port() as peer:
        command = f"'{programs.build('ends')}' SIGSEGV {acceptor} 1 {peer}; kill -SEGV $$"
        assert contained(agent, "sh", "-c", command, launcher=True).returncode == 128 + signal.SIGSEGV
    assert len(receiver.wait(2, timeout=5)) == 2
    assert [span.error for span in receiver.spans if span.error] == ["process_ended"]


def test_a_subreaper_has_no_unknown_child(agent, receiver, acceptor):
    # What would become a child of it is not started: it records for a relay that is there.
    agent.start_relay()
    script = (
        "import ctypes, os, socket, sys; assert ctypes.CDLL(None).prctl(36, 1) == 0\n"  # PR_SET_CHILD_SUBREAPER
        "socket.create_connection(('127.0.0.1', int(sys.argv[1]))).close()\n"
        "os.spawnv(os.P_WAIT, '/bin/sh', ['sh', '-c', f'{sys.argv[2]} {sys.argv[1]} 1 & exit 0'])\n"
        "print(os.waitstatus_to_exitcode(os.wait()[1]))\n"  # the orphan
        "try: print(os.wait())\n"
        "except ChildProcessError: print('no child')"
    )
    done = agent.run("/usr/bin/python3", "-c", script, acceptor, programs.build("dialer"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "0\nno child\n", "")
    assert len(receiver.wait(2)) == 2


def test_no_init_executes_in_place(agent):
    done = agent.run(*NAMESPACE, agent.layout.launcher, "--no-init", "sh", "-c", "echo $$", environment=agent.bare_environment())
    assert done.stdout == "1\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_launcher_as_process_1_forwards_signals(agent, number):
    script = f"trap 'echo got; exit 33' {number.name.removeprefix('SIG')}; echo ready; while :; do sleep 0.05; done"
    process = agent.start(
        *NAMESPACE, agent.layout.launcher, "sh", "-c", script, environment=agent.bare_environment(), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    (launcher,) = map(int, open(f"/proc/{process.pid}/task/{process.pid}/children").read().split())
    os.kill(launcher, number)
    try:
        assert process.communicate(timeout=10)[0] == "got\n"
        assert process.returncode == 33
    finally:
        if process.poll() is None:
            os.kill(launcher, signal.SIGKILL)


def test_launcher_as_process_1_reaps_orphans(agent):
    # The orphan ends while the program lives on; as nobody's child it must not stay a zombie.
    script = "(sleep 0.05 &) ; sleep 0.5; grep -l '^State:.Z' /proc/[0-9]*/status | wc -l"
    done = contained(agent, "sh", "-c", script, launcher=True)
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr


def test_the_program_of_a_launcher_has_no_unknown_child(agent, receiver, acceptor):
    done = contained(agent, programs.build("waiter"), acceptor, launcher=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "no child\n", "")
    assert receiver.wait(1, timeout=3)


def test_a_host_has_no_unknown_child(agent, receiver, acceptor):
    """The same outside of a container, where the host itself started the relay."""
    done = agent.run(programs.build("waiter"), acceptor)
    assert (done.returncode, done.stdout, done.stderr) == (0, "no child\n", "")
    assert receiver.wait(1)


def test_bare_process_1_starts_no_relay(agent, receiver, acceptor):
    done = contained(agent, programs.build("waiter"), acceptor)
    assert (done.returncode, done.stdout, done.stderr) == (0, "no child\n", "")
    assert agent.relays() == []
    assert receiver.wait(1, timeout=0.5) == []


def test_bare_process_1_uses_a_relay_that_is_there(agent, receiver, acceptor):
    agent.start_relay()
    assert contained(agent, programs.build("dialer"), acceptor, 3).returncode == 0
    assert len(receiver.wait(3)) == 3


def test_bare_process_1_starts_one_when_told(agent, receiver, acceptor):
    # It lives on for a second: its end is the end of everything in the name space, the relay too.
    done = contained(agent, programs.build("dialer"), acceptor, 3, 0, "-", 1_000_000, OTEL_NATIVE_RELAY="start")
    assert done.returncode == 0
    assert len(receiver.wait(3, timeout=3)) == 3


def test_sidecar_on_a_path(agent, receiver, acceptor):
    path = agent.world / "sidecar/relay.sock"
    path.parent.mkdir(mode=0o700)
    sidecar = agent.start(agent.layout.relay, "--listen", f"unix:{path}", environment=agent.bare_environment(), stderr=subprocess.DEVNULL)
    try:
        assert wait_until(path.exists)
        done = contained(agent, programs.build("dialer"), acceptor, 3, OTEL_NATIVE_RELAY=f"unix:{path}")
        assert done.returncode == 0
        assert len(receiver.wait(3)) == 3
    finally:
        sidecar.terminate()
        sidecar.wait(15)


def test_a_shell_as_process_1(agent, receiver, acceptor):
    dialer = programs.build("dialer")
    done = contained(agent, "sh", "-c", f"{dialer} {acceptor} 2; {dialer} {acceptor} 2; sleep 1; exit 9")
    assert done.returncode == 9, done.stderr
    assert len(receiver.wait(4, timeout=3)) == 4


def test_nothing_outlives_the_container(agent, receiver, acceptor):
    assert contained(agent, programs.build("dialer"), acceptor, 1, launcher=True).returncode == 0
    time.sleep(0.1)
    assert not [relay for relay in agent.relays() if is_alive(relay)]
