"""Programs with other rights than their caller's, rights that are given up while they run, and hostile environments."""

import os
import resource
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from harness import programs
from harness.agent import Layout, wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it makes set-user-id programs and changes users")

NOBODY = 65534
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


@pytest.fixture
def public(agent):
    """Another user may execute the agent's files, and has a folder for the relay."""
    agent.layout = Layout(shutil.copytree(agent.layout.root, agent.world / "dist", symlinks=True))
    agent.world.chmod(0o755)
    os.chown(agent.runtime_directory, NOBODY, NOBODY)
    return agent


# MARK: Secure execution


def granted(program, by):
    """Gives `program` other rights than its caller's."""
    os.chown(program, 0, 0)
    if by == "capabilities":
        program.chmod(0o755)
        subprocess.run(["setcap", "cap_net_bind_service+ep", program], check=True)
    else:
        program.chmod({"user": 0o4755, "group": 0o2755, "nothing": 0o755}[by])
    return program


def traced_calls(agent, by, preload, acceptor, tmp_path):
    """Runs a client as nobody, with the agent forced on it, under strace; returns its lines from its own execve on."""
    program = granted(Path(shutil.copy(programs.build("dialer"), agent.world / "dialer")), by)
    trace = tmp_path / "trace"
    enter = f"mkdir {agent.world}/etc; cp -a /etc/. {agent.world}/etc; echo {agent.layout.library} > {agent.world}/etc/ld.so.preload; mount --bind {agent.world}/etc /etc"
    # strace follows a set-user-id program only as root; it starts it as another user itself.
    script = f"""
        set -e
        {enter if preload == "file" else ":"}
        exec /usr/bin/strace -f -u nobody -o {trace} env {"LD_PRELOAD=" + str(agent.layout.library) if preload == "variable" else "A=b"} {program} {acceptor} 3
    """
    done = agent.run("unshare", "-m", "sh", "-c", script, environment=agent.bare_environment())
    shutil.rmtree(agent.world / "etc", ignore_errors=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    lines = trace.read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if f'execve("{program}"' in line)
    return [line.split(maxsplit=1)[1] for line in lines[start:]]


OURS = ("readlinkat", "memfd_create", "clone", "getpid", "madvise", "prctl", "getrandom", "access(\"/etc/otelagent")


@pytest.mark.parametrize("by", ["user", "group", "capabilities"])
@pytest.mark.parametrize("preload", ["variable", "file"])
def test_secure_execution_is_left_alone(public, receiver, acceptor, tmp_path, by, preload):
    """No connection, no file, no memory and no system call of ours: the library is mapped, and that is all."""
    lines = traced_calls(public, by, preload, acceptor, tmp_path)
    assert sum(line.startswith("connect(") for line in lines) == 3
    assert [line for line in lines if "otelagent" in line and "libotelagent.so" not in line and "execve" not in line] == []
    assert any("libotelagent.so" in line and "openat" in line for line in lines) == (preload == "file")
    assert [line for line in lines if line.startswith(OURS)] == []
    assert receiver.wait(1, timeout=0.2) == [] and public.relays() == []


@pytest.mark.parametrize("preload", ["variable", "file"])
def test_the_same_program_with_its_callers_rights_is_traced(public, receiver, acceptor, tmp_path, preload):
    """The control."""
    lines = traced_calls(public, "nothing", preload, acceptor, tmp_path)
    assert {call for call in ("readlinkat", "clone") if any(line.startswith(call + "(") for line in lines)} == {"readlinkat", "clone"}
    assert len(receiver.wait(3)) == 3


# MARK: The relay's rights


def rights(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if line.startswith(("Cap", "Uid", "Gid", "NoNewPrivs", "Seccomp:")))


@pytest.mark.parametrize("starter", [[], ["setpriv", "--bounding-set=-all", "--inh-caps=-all"], ["capset"]], ids=["root", "bounded", "capset"])
def test_a_relay_of_root_has_no_capability(agent, receiver, acceptor, starter):
    """Root that gave its capabilities up gets them back when it executes something. A relay does not."""
    dialer = [programs.build("dialer"), acceptor, 3]
    command = [programs.build("confined"), "before", "capset", acceptor, 3] if starter == ["capset"] else [*starter, *dialer]
    assert agent.run(*command).returncode == 0
    relay = agent.relay()
    # What it had to begin with it needs for the limit of open files alone.
    assert wait_until(lambda: rights(relay)["CapEff"] == "0000000000000000")
    found = rights(relay)
    assert (found["CapPrm"], found["CapInh"], found["CapAmb"], found["NoNewPrivs"]) == (*["0000000000000000"] * 3, "1")
    assert len(receiver.wait(3)) >= 3


def test_a_relay_is_its_starters(public, receiver, acceptor):
    assert public.run(*AS_NOBODY, programs.build("dialer"), acceptor, 3).returncode == 0
    assert rights(public.relay())["Uid"].split() == [str(NOBODY)] * 4
    assert len(receiver.wait(3)) == 3


def test_a_dead_relay_of_root_and_a_process_that_is_somebody_else_by_now(public, receiver, acceptor):
    """It started a relay as root, and finds it gone as nobody: it starts one of nobody's, and nothing is lost."""
    os.chown(public.runtime_directory, 0, 0)
    script = f"""
import os, signal, socket, sys
def dial(times):
    for _ in range(times):
        socket.create_connection(("127.0.0.1", {acceptor})).close()
dial(3)
sys.stdout.write("root\\n"); sys.stdout.flush(); sys.stdin.readline()
os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
import time
end = time.monotonic() + 60
while not os.path.exists("{public.world}/enough") and time.monotonic() < end:
    dial(1); time.sleep(0.05)
"""
    host = public.start("/usr/bin/python3", "-c", script, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert host.stdout.readline() == "root\n"
    first = public.relay()
    assert len(receiver.wait(3)) == 3
    os.kill(first, signal.SIGTERM)
    assert wait_until(lambda: public.relays() == [])
    host.stdin.write("\n")
    host.stdin.flush()
    assert len(receiver.wait(8)) >= 8
    (public.world / "enough").touch()
    assert host.wait(30) == 0
    # Its own, unless another of nobody's was there; never root's.
    assert [relay for relay in public.relays() if rights(relay)["Uid"].split()[0] == "0"] == []


def test_a_user_without_a_number_meets_nobody(public, receiver, acceptor):
    """In a user name space without a map everybody has the number of nobody: another's socket would look like one's own."""
    done = public.run("unshare", "-U", programs.build("dialer"), acceptor, 3)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert receiver.wait(1, timeout=0.3) == [] and public.relays() == []
    # With a map it is somebody.
    os.chown(public.runtime_directory, 0, 0)
    assert public.run("unshare", "-Ur", programs.build("dialer"), acceptor, 3).returncode == 0
    assert len(receiver.wait(3)) == 3


# MARK: Hostile environments

HOSTILE = {
    # Of one value 128 KiB, and of all 6 MiB, are the most that execve(2) takes.
    "5 MB": {"OTEL_RESOURCE_ATTRIBUTES": "a=" + "x" * 130_000, "OTEL_SERVICE_NAME": "y" * 130_000, **{f"OTEL_LONG_{i}": "z" * 130_000 for i in range(38)}},
    "CRLF": {"OTEL_EXPORTER_OTLP_HEADERS": "a=b\r\nX-Injected: yes,c=d", "OTEL_SERVICE_NAME": "a\r\nb"},
    "not UTF-8": {"OTEL_SERVICE_NAME": b"\xff\xfe\xc0", "OTEL_RESOURCE_ATTRIBUTES": b"k=\xed\xa0\x80"},
    "a file": {"OTEL_EXPORTER_OTLP_ENDPOINT": "file:///etc/passwd"},
    "a socket": {"OTEL_EXPORTER_OTLP_ENDPOINT": "gopher://127.0.0.1:70/"},
    "a relay elsewhere": {"OTEL_NATIVE_RELAY": "unix:/proc/self/root/../../dev/null"},
    "no endpoint": {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://"},
    "numbers": {"OTEL_BSP_MAX_QUEUE_SIZE": "99999999999999999999999", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "-1", "OTEL_TRACES_SAMPLER_ARG": "1e999"},
    "a number of descriptors": {"XDG_RUNTIME_DIR": "/dev/fd/0", "XDG_STATE_HOME": "/dev/fd/1"},
    "relative": {"XDG_RUNTIME_DIR": "../../..", "HOME": "..", "XDG_STATE_HOME": "."},
}


def end_at_once(agent):
    """A relay that cannot deliver takes its time to leave."""
    for relay in agent.relays():
        os.kill(relay, signal.SIGKILL)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_values_harm_nobody(agent, receiver, acceptor, name):
    variables = {key: value if isinstance(value, str) else os.fsdecode(value) for key, value in HOSTILE[name].items()}
    command = ["env", f"LD_PRELOAD={agent.layout.library}", programs.build("dialer"), acceptor, 3]
    limits = resource.getrlimit(resource.RLIMIT_STACK)
    resource.setrlimit(resource.RLIMIT_STACK, (limits[1], limits[1]))
    try:
        done = agent.run(*command, environment=agent.bare_environment(**variables))
    finally:
        resource.setrlimit(resource.RLIMIT_STACK, limits)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    end_at_once(agent)
    for request in receiver.requests:
        assert "X-Injected" not in request


def test_variables_of_a_web_server_are_nobodys_orders(agent, receiver, acceptor):
    """CGI hands a client's headers on as HTTP_…: they are no configuration."""
    client = {"HTTP_OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "HTTP_OTEL_NATIVE_DISABLED": "true", "HTTP_TRACEPARENT": "00-" + 32 * "a" + "-" + 16 * "b" + "-01"}
    assert agent.run(programs.build("dialer"), acceptor, 3, **client).returncode == 0
    spans = receiver.wait(3)
    assert len(spans) == 3 and {span.trace_id for span in spans} != {32 * "a"}


def test_credentials_in_an_endpoint_are_neither_logged_nor_shown(agent, receiver, acceptor):
    secret = "hunter2-in-the-url"
    endpoint = receiver.url.replace("://", f"://user:{secret}@")
    assert agent.run(programs.build("dialer"), acceptor, 3, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, OTEL_LOG_LEVEL="debug").returncode == 0
    assert wait_until(lambda: "destinations (" in agent.relay_status().stdout)
    said = agent.relay_status()
    assert secret not in said.stdout + said.stderr + agent.log()


# MARK: The runtime directory


def is_private(path):
    status = path.lstat()
    return status.st_mode & 0o77 == 0 and status.st_uid == 0


@pytest.mark.parametrize("trap", ["link", "writable", "others", "file", "inner link", "inner writable"])
def test_a_runtime_directory_that_is_not_ours_alone(agent, receiver, acceptor, trap):
    """Nothing is made, opened or listened to in it."""
    victim = agent.world / "victim"
    victim.mkdir(mode=0o700)
    folder, inner = agent.runtime_directory, agent.runtime_directory / "otelagent"
    if trap in ("link", "file"):
        folder.rmdir()
        folder.symlink_to(victim) if trap == "link" else folder.write_text("")
    elif trap == "writable":
        folder.chmod(0o777)
    elif trap == "others":
        os.chown(folder, NOBODY, NOBODY)
    elif trap == "inner link":
        inner.symlink_to(victim)
    else:
        inner.mkdir()
        inner.chmod(0o777)
    before = sorted(agent.world.rglob("*"))
    assert agent.run(programs.build("dialer"), acceptor, 3).returncode == 0
    assert len(receiver.wait(3)) == 3
    made = [path for path in sorted(agent.world.rglob("*")) if path not in before and "state" not in path.parts]
    assert made == []


def test_a_runtime_directory_that_is_renamed_all_the_time(agent, receiver, acceptor):
    """While 100 processes start, it is now a directory of ours, now a link to another's. Nothing is ever made behind the link."""
    mine, theirs = agent.world / "mine", agent.world / "theirs"
    mine.mkdir(mode=0o700)
    theirs.mkdir(mode=0o755)
    os.chown(theirs, NOBODY, NOBODY)
    folder = agent.runtime_directory
    folder.rmdir()
    ends = threading.Event()

    def swap():
        number = 0
        while not ends.is_set():
            number += 1
            new = agent.world / "new"
            new.symlink_to(theirs)
            os.rename(new, folder)
            folder.unlink()
            mine.rename(folder)
            folder.rename(mine)

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        running = [agent.start(programs.build("dialer"), acceptor, 3, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(100)]
        for process in running:
            assert (process.communicate(timeout=60)[0], process.returncode) == ("", 0)
    finally:
        ends.set()
        swapper.join()
    assert list(theirs.iterdir()) == []


def test_whatever_the_mask_nobody_else_may_enter(agent, receiver, acceptor):
    assert agent.run("sh", "-c", f"umask 0; exec {programs.build('dialer')} {acceptor} 3").returncode == 0
    assert len(receiver.wait(3)) == 3
    folder = agent.runtime_directory / "otelagent"
    assert is_private(folder) and is_private(folder / "relay-v1.sock.lock")
    assert wait_until(lambda: (agent.world / "state/otelagent/relay.log").exists())
    assert is_private(agent.world / "state/otelagent") and is_private(agent.world / "state/otelagent/relay.log")


@pytest.mark.parametrize("trap", ["file", "folder", "dangling"])
def test_a_log_that_is_a_link_is_not_written(agent, receiver, acceptor, trap):
    state, victim = agent.world / "state", agent.world / "victim"
    state.mkdir()
    if trap == "folder":
        victim.mkdir()
        (state / "otelagent").symlink_to(victim)
    else:
        (state / "otelagent").mkdir(mode=0o700)
        (state / "otelagent/relay.log").symlink_to(victim)
        if trap == "file":
            victim.write_text("untouched")
    assert agent.run(programs.build("dialer"), acceptor, 3, HOME=agent.world).returncode == 0
    assert len(receiver.wait(3)) == 3
    assert {"file": lambda: victim.read_text() == "untouched", "folder": lambda: list(victim.iterdir()) == [], "dangling": lambda: not victim.exists()}[trap]()
