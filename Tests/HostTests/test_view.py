"""otel-instrument --view: the program's traces on the terminal, and the launcher as a parent that nobody notices."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from harness import programs
from harness.agent import is_alive, wait_until
from harness.terminal import Terminal


def command(agent, *words, options=()):
    return [str(word) for word in (agent.layout.launcher, "--view", *options, *words)]


def view(agent, *words, options=(), timeout=120, **variables):
    """Without a terminal: the view goes to stderr."""
    return subprocess.run(
        command(agent, *words, options=options), env=agent.bare_environment(**variables), capture_output=True, text=True, timeout=timeout,
        stdin=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def start(agent, *words, **popen):
    return subprocess.Popen(command(agent, *words), env=agent.bare_environment(), start_new_session=True, stdin=subprocess.DEVNULL, **popen)


def program_of(launcher):
    """The pid of the launcher's child."""
    children = wait_until(lambda: Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split())
    return int(children[0])


def state(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def left_behind(agent):
    return list(agent.runtime_directory.glob("otel-view*"))


def test_curl(agent, receiver, web):
    done = view(agent, "curl", "-s", f"{web.url}/status/200")
    assert (done.returncode, done.stdout) == (0, "200 GET\n")
    head, axis, line = done.stderr.strip().splitlines()
    assert re.fullmatch(r"curl: exit status 0, [\d.]+ m?s, 1 trace, 1 span, 1 process", head)
    assert re.fullmatch(r" +0 +[\d.]+ m?s", axis)
    assert re.fullmatch(rf"GET +host-test +[█▌▐]+ +[\d.]+ (µs|m?s)  200 {web.url}/status/200", line)
    assert left_behind(agent) == []
    assert agent.relays() == [] and receiver.wait(1, timeout=0.1) == []


def test_programs_below_one_traceparent(agent, web):
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    script = f"curl -s {web.url}/a; curl -s {web.url}/status/404"
    done = view(agent, "sh", "-c", script, TRACEPARENT=parent, LANG="C", COLUMNS="160")
    head, _, caller, first, second = done.stderr.strip().splitlines()
    assert head.endswith(" 1 trace, 2 spans, 2 processes")
    assert caller == f"from TRACEPARENT {parent}"
    assert re.fullmatch(rf"\|-GET  host-test\[\d+\] +=+ .* 200 {web.url}/a", first)
    assert re.fullmatch(rf"`-GET  host-test\[\d+\] +=+ .* ! 404 {web.url}/status/404", second)


def test_what_is_shown_is_harmless(agent, web, tmp_path):
    hostile = tmp_path / "cu\x1b]0;title\x07rl"
    shutil.copy(shutil.which("curl"), hostile)
    done = view(agent, hostile, "-s", f"{web.url}/", OTEL_SERVICE_NAME=None, COLUMNS="200")
    assert "cu\\x1b]0;title\\x07rl" in done.stderr
    assert "\x1b" not in done.stderr and "\x07" not in done.stderr


@pytest.mark.parametrize("width", [60, 100, 160])
def test_the_width_is_kept(agent, web, width):
    done = view(agent, "curl", "-s", f"{web.url}/{'long/' * 60}?q=1", COLUMNS=width)
    assert max(map(len, done.stderr.splitlines())) == width


@pytest.mark.parametrize("script, status", [("exit 7", 7), ("exit 0", 0), ("kill -TERM $$", -signal.SIGTERM), ("kill -SEGV $$", -signal.SIGSEGV)])
def test_it_ends_as_the_program_did(agent, script, status):
    done = view(agent, "sh", "-c", script)
    assert done.returncode == status
    said = f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
    assert f"sh: {said}, " in done.stderr


def test_what_cannot_be_executed_has_no_view(agent, tmp_path):
    assert view(agent, "no-such-program-here").returncode == 127
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    done = view(agent, script)
    assert done.returncode == 127
    assert len(done.stderr.splitlines()) == 1 and "cannot be executed" in done.stderr


def test_spans_in_flight_say_what_ended_the_program(agent):
    with socket.create_server(("127.0.0.1", 0)) as server:
        process = start(agent, "curl", "-s", f"http://127.0.0.1:{server.getsockname()[1]}/never", stderr=subprocess.PIPE, text=True)
        peer, _ = server.accept()
        assert peer.recv(1)  # It waits for the answer.
        os.kill(program_of(process.pid), signal.SIGKILL)
        shown = process.communicate(timeout=120)[1]
        peer.close()
    assert process.returncode == -signal.SIGKILL
    assert "killed by SIGKILL" in shown.splitlines()[1]
    assert re.search(r"^GET .* ✗ SIGKILL ", shown, re.M)
    assert left_behind(agent) == []


@pytest.mark.parametrize(
    "variable, value, reason",
    [
        ("OTEL_SDK_DISABLED", "true", "OTEL_SDK_DISABLED=true switches recording off"),
        ("OTEL_NATIVE_DISABLED", "true", "OTEL_NATIVE_DISABLED=true switches the agent off"),
        ("OTEL_TRACES_EXPORTER", "none", "OTEL_TRACES_EXPORTER=none switches spans off"),
        ("OTEL_TRACES_SAMPLER", "always_off", "OTEL_TRACES_SAMPLER=always_off sampled none"),
        ("OTEL_SERVICE_NAME", "x", "nothing that curl did is traced"),
    ],
)
def test_without_spans_it_says_why(agent, variable, value, reason):
    done = view(agent, "curl", "--version", COLUMNS="300", **{variable: value})
    assert done.returncode == 0 and done.stdout.startswith("curl ")
    head, hint = done.stderr.strip().splitlines()
    assert re.fullmatch(r"curl: exit status 0, [\d.]+ m?s", head)
    assert hint.startswith("no spans: ") and reason in hint


def test_a_program_that_cannot_be_traced(agent):
    program = programs.build("static-true", programs.SOURCES / "true.c", flags=["-static"])
    done = view(agent, program, COLUMNS="300")
    assert done.returncode == 0
    assert done.stderr.count("statically linked") == 2, "at the start and in the view"


def test_a_view_becomes_no_program(agent):
    done = view(agent, "true", options=["--no-init"])
    assert done.returncode == 2
    assert "--view and --no-init" in done.stderr


def test_the_program_finds_the_world_as_it_is(agent, acceptor):
    """The same process group, descriptors, limits, signals and environment, but for the two variables."""

    def observed(*prefix, environment):
        # The shell is the session's leader in both: a program that leads it can be told from others.
        done = subprocess.run(
            ["sh", "-c", '"$@"; exit $?', "sh", *prefix, programs.build("observer"), str(acceptor)], env=environment, capture_output=True,
            text=True, timeout=120, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        text = re.sub(r"(pipe|socket):\[\d+\]", r"\1:[N]", done.stdout)
        lines = [line for line in text.splitlines() if not line.startswith(("LD_PRELOAD=", "OTEL_NATIVE_RELAY="))]
        return done.returncode, lines, done.stderr

    bare = observed(environment=agent.bare_environment())
    viewed = observed(agent.layout.launcher, "--view", environment=agent.bare_environment())
    assert viewed[:2] == bare[:2]
    assert "101 spans" in viewed[2]


def test_closed_standard_descriptors(agent):
    script = 'exec 0<&- 1>&- 2>&-; exec "$@"'
    done = subprocess.run(
        ["sh", "-c", script, "sh", *command(agent, "sh", "-c", "exec 3>/dev/null; [ ! -e /proc/self/fd/1 ] && exit 9")],
        env=agent.bare_environment(), timeout=120, start_new_session=True,
    )  # fmt: skip
    assert done.returncode == 9


COUNTER = """
import os, signal, sys
counts = {}
def count(number, _): counts[number] = counts.get(number, 0) + 1
for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1, signal.SIGWINCH): signal.signal(number, count)
print("ready", flush=True)
while signal.SIGUSR1 not in counts: signal.sigtimedwait([], 0.05)
print(sorted((signal.Signals(number).name, count) for number, count in counts.items()), flush=True)
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_signals_for_the_launcher_reach_the_program_once(agent, name):
    process = start(agent, sys.executable, "-c", COUNTER, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout.readline() == "ready\n"
    os.kill(process.pid, signal.Signals[name])
    # Signals are read lowest number first, so SIGUSR1 may only come when the other one has been passed on.
    program = program_of(process.pid)
    assert wait_until(lambda: "0000000000000000" in re.search("ShdPnd:\t(.*)", Path(f"/proc/{process.pid}/status").read_text())[1], 60)
    os.kill(process.pid, signal.SIGUSR1)
    assert process.communicate(timeout=120)[0] == f"{sorted([(name, 1), ('SIGUSR1', 1)])}\n", program
    assert process.returncode == 0
    assert left_behind(agent) == []


def test_a_killed_launcher_takes_the_program_with_it(agent):
    process = start(agent, "sleep", "1000", stderr=subprocess.DEVNULL)
    program = program_of(process.pid)
    assert wait_until(lambda: "sleep" in Path(f"/proc/{program}/comm").read_text())
    process.kill()
    process.wait()
    assert wait_until(lambda: not is_alive(program), 60)


def test_what_a_killed_launcher_left_is_removed_by_the_next(agent, acceptor):
    # A view that runs on, and what looks like another's or like nothing of ours, stay.
    running = start(agent, "sleep", "1000", stderr=subprocess.DEVNULL)
    assert wait_until(lambda: left_behind(agent), 60)
    kept = set(left_behind(agent))
    others = [agent.runtime_directory / name for name in ("otel-view.AbCdE", "otel-view.notes", "otel-viewABCDEF")]
    for folder in others:
        folder.mkdir(mode=0o755)
        (folder / "theirs").write_text("")
    unfinished = agent.runtime_directory / "otel-view.A1b2C3"
    unfinished.mkdir(mode=0o700)
    link = agent.runtime_directory / "otel-view.LinkTo"
    link.symlink_to(others[0])
    try:
        process = start(agent, "sleep", "1000", stderr=subprocess.DEVNULL)
        program = program_of(process.pid)
        assert wait_until(lambda: "sleep" in Path(f"/proc/{program}/comm").read_text(), 60)
        assert wait_until(lambda: set(left_behind(agent)) - kept - {*others, unfinished, link}, 60)
        process.kill()
        process.wait()
        # Until it had executed something it held the lock as well.
        assert wait_until(lambda: not is_alive(program), 60)
        (dead,) = set(left_behind(agent)) - kept - {*others, unfinished, link}
        assert (dead / "relay.sock").exists()
        assert view(agent, "true").returncode == 0
        assert not dead.exists() and not unfinished.exists()
        assert set(left_behind(agent)) == kept | {*others, link}
        assert all((folder / "theirs").exists() for folder in others)
        (live,) = kept
        assert (live / "relay.sock").exists()
        assert running.poll() is None
    finally:
        running.kill()
        running.wait()


def test_whoever_outlives_the_program_is_not_waited_for(agent, acceptor):
    script = f"sleep 1000 >/dev/null 2>&1 & echo $!; {programs.build('dialer')} {acceptor} 1"
    done = subprocess.run(
        command(agent, "sh", "-c", script), env=agent.bare_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        timeout=120, stdin=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    survivor = int(done.stdout)
    try:
        assert done.returncode == 0
        assert is_alive(survivor)
        assert "socket connect" in done.stderr
    finally:
        os.kill(survivor, signal.SIGKILL)


def test_more_spans_than_are_kept(agent, acceptor):
    done = view(agent, programs.build("dialer"), acceptor, 2500, COLUMNS="200")
    assert "500 more spans are not shown" in done.stderr
    assert done.stderr.count("\nsocket connect ") == 2000


# MARK: At a terminal


@pytest.fixture
def terminal():
    opened = []

    def open_terminal(agent, *words, columns=100, **variables):
        environment = agent.bare_environment(**variables)
        opened.append(Terminal(*command(agent, *words), environment=environment, columns=columns))
        return opened[-1]

    yield open_terminal
    for each in opened:
        each.close()


def test_a_terminal_gets_the_view_and_a_file_the_output(agent, web, terminal, tmp_path):
    file = tmp_path / "output"
    script = 'exec "$@" >"$0" 2>&1'
    inside = ["sh", "-c", script, file, agent.layout.launcher, "--view", "curl", "-s", f"{web.url}/status/500"]
    shell = Terminal(*inside, environment=agent.bare_environment(TERM="xterm"), columns=72)
    try:
        text = shell.wait_for("ended: 0")
    finally:
        shell.close()
    assert file.read_text() == "500 GET\n"
    assert "\x1b[31m✗ 500\x1b[0m" in text
    plain = re.sub(r"\x1b\[\d*m", "", text).split("\r\n")
    assert max(map(len, plain)) <= 72


@pytest.mark.parametrize("variables", [{"TERM": "dumb"}, {"TERM": "xterm", "NO_COLOR": "1"}])
def test_no_colour_where_it_is_not_wanted(agent, terminal, variables):
    text = terminal(agent, "true", **variables).wait_for("ended: 0")
    assert "true: exit status 0" in text and "\x1b" not in text


def test_stop_and_continue(agent, terminal):
    shell = terminal(agent, "sh", "-c", "echo ready; read line; echo got $line; exit 5")
    shell.wait_for("ready")
    program = program_of(shell.job)
    shell.type("\x1a")
    shell.wait_for(f"stopped by {int(signal.SIGTSTP)}")
    assert wait_until(lambda: (state(shell.job), state(program)) == ("T", "T"), 60)
    shell.type("fg\n")
    assert wait_until(lambda: "T" not in (state(shell.job), state(program)), 60)
    shell.type("hello\n")
    shell.wait_for("got hello")
    assert "sh: exit status 5" in shell.wait_for("ended: 5")


def test_a_program_that_stops_itself_after_it_has_tidied_up(agent, terminal):
    # Waited for, and not handled: Python runs no handler for a signal that comes just before it begins to read.
    program = (
        "import os, signal as s; s.pthread_sigmask(s.SIG_BLOCK, [s.SIGTSTP]); print('ready'); s.sigwait([s.SIGTSTP]); "
        "os.kill(os.getpid(), s.SIGSTOP); print('got', input())"
    )
    shell = terminal(agent, sys.executable, "-uc", program)
    shell.wait_for("ready")
    program = program_of(shell.job)
    shell.type("\x1a")
    shell.wait_for(f"stopped by {int(signal.SIGSTOP)}")
    shell.type("fg\n")
    assert wait_until(lambda: "T" not in (state(shell.job), state(program)), 60)
    shell.type("hello\n")
    shell.wait_for("got hello")
    shell.wait_for("ended: 0")


def test_the_terminals_signals_come_once(agent, terminal):
    shell = terminal(agent, sys.executable, "-c", COUNTER)
    shell.wait_for("ready")
    shell.type("\x03")
    assert wait_until(lambda: "0000000000000000" in re.search("ShdPnd:\t(.*)", Path(f"/proc/{shell.job}/status").read_text())[1], 60)
    os.kill(shell.job, signal.SIGUSR1)
    shell.wait_for("[('SIGINT', 1), ('SIGUSR1', 1)]")
    shell.wait_for("ended: 0")


def test_ctrl_c_ends_both_and_the_view_is_there(agent, terminal):
    shell = terminal(agent, "sh", "-c", "echo ready; while :; do sleep 0.05; done")
    shell.wait_for("ready")
    shell.type("\x03")
    text = shell.wait_for(f"ended: -{int(signal.SIGINT)}")
    assert "sh: killed by SIGINT" in text
    assert left_behind(agent) == []
