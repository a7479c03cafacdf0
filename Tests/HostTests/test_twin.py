"""Ordinary programs, without and with the agent: nobody can tell which was which.

Each runs with a collector, without one, and with a relay that is stopped; in all three every process is shown to have recorded.
"""

import os
import signal
import socket

import pytest

from harness import programs
from harness.agent import Agent
from harness.receiver import Receiver
from harness.twin import twin
from harness.webserver import closed_port

PYTHON = r"""
import os, signal, subprocess, sys, threading, time
results = []
def work(number):
    done = subprocess.run(["sh", "-c", f"echo {number}; exit {number}"], capture_output=True, text=True)
    results.append((number, done.returncode, done.stdout))
threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
pid = os.fork()
if pid == 0:
    os._exit(9)
results.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
subprocess.run(["true"], env={})
# A thread that was joined may be listed for a moment longer.
deadline = time.monotonic() + 2
while len(os.listdir("/proc/self/task")) > 1 and time.monotonic() < deadline:
    time.sleep(0.01)
print(sorted(map(str, results)), sorted(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task")))
print([line for line in open("/proc/self/status") if line.startswith(("SigBlk", "SigIgn", "SigCgt"))])
print(sorted(name for name in os.environ if name != "LD_PRELOAD"))
print("err", file=sys.stderr)
sys.exit(5)
"""
# Not SigBlk: bash blocks SIGCHLD while it makes a child, and the child may be quicker. The observer tells it.
BASH = r"""
set -o pipefail
sleep 0.4 & sleep 0.3 & jobs | wc -l; wait; jobs
printf '%s\n' c a b | sort | tr a-z A-Z | (read -r first; echo "$first"; cat >/dev/null)
(exit 3) | true; echo "status $?"
exec 9</dev/null; ls /proc/$$/fd; grep -E 'Sig(Ign|Cgt)|Threads' /proc/$$/status
trap 'echo trapped' USR1; kill -USR1 $$
coproc cat; echo through >&"${COPROC[1]}"; read -r line <&"${COPROC[0]}"; echo "$line"
env | grep -v LD_PRELOAD | sort | cut -d= -f1
echo to stderr >&2
kill -TERM $$
"""
PERL = r"""
use strict; $| = 1;
my @lines = sort { $a <=> $b } map { $_ * 7 % 11 } 1..10; print "@lines\n";
open(my $pipe, '-|', 'echo from a child; exit 2') or die; print <$pipe>; close $pipe; print $? >> 8, "\n";
my $pid = fork; if (!$pid) { exit 4 } waitpid $pid, 0; print $? >> 8, "\n"; print wait, "\n"; warn "warned\n"; exit 6;
"""
SQLITE = "create table t(a); insert into t values(1),(2); select sum(a) from t; select * from missing;"

COMMANDS = {
    "true": ["true"],
    "ls": ["ls", "-l", "/proc/self/fd", "/no/such/folder"],
    "bash": ["bash", "-c", BASH],
    "python": ["/usr/bin/python3", "-c", PYTHON],
    "perl": ["perl", "-e", PERL],
    "sort": ["sort", "-r", "/etc/passwd"],
    "git": ["git", "-C", "/no/such/repository", "status"],
    "sqlite": ["sqlite3", "-batch", ":memory:", SQLITE],
    "nohup": ["nohup", "sh", "-c", "grep SigIgn /proc/self/status; exit 3"],
    "setsid": ["setsid", "-w", "sh", "-c", "test $(ps -o sid= -p $$) = $$ && exit 11"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_with_a_collector(agent, receiver, acceptor, name):
    twin(agent, *COMMANDS[name], TOUCH_PORT=acceptor)
    assert receiver.wait(1), "no process recorded"


def test_observer(agent, receiver, acceptor):
    outcome = twin(agent, programs.build("observer"), acceptor, TOUCH_PORT=acceptor)
    assert outcome.status == 7
    assert "wait -1 No child processes, SIGCHLD 0" in outcome.stdout
    assert len(receiver.wait(102)) >= 102


def test_git_status_in_a_repository(agent, receiver, acceptor, tmp_path):
    for command in (["init", "-q"], ["-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-q", "--allow-empty", "-m", "x"]):
        assert agent.run_bare("git", "-C", tmp_path, *command).returncode == 0
    (tmp_path / "new").write_text("x")
    assert "Untracked files" in twin(agent, "git", "-C", tmp_path, "status", TOUCH_PORT=acceptor).stdout
    assert receiver.wait(1)


def test_every_process_of_a_pipeline_recorded(agent, receiver, acceptor):
    agent_first = twin(agent, "bash", "-c", "cat /etc/hostname | tr a-z A-Z | wc -c", TOUCH_PORT=acceptor)
    assert agent_first.status == 0
    # The three programs and bash itself.
    assert receiver.wait_until(lambda spans: len({span.resource["process.executable.name"] for span in spans}) == 4)


@pytest.mark.parametrize("signal_number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL, signal.SIGPIPE])
def test_death_by_signal(agent, receiver, acceptor, signal_number):
    outcome = twin(agent, "sh", "-c", f"kill -{signal_number.value} $$", TOUCH_PORT=acceptor)
    assert outcome.status == -signal_number
    assert receiver.wait(1)


def test_without_a_collector(acceptor):
    """Nobody listens while they run. Then somebody does: what they recorded arrives."""
    port = closed_port()
    agent = Agent(f"http://127.0.0.1:{port}")
    try:
        for command in COMMANDS.values():
            twin(agent, *command, TOUCH_PORT=acceptor)
        late = Receiver(port)
        try:
            assert late.wait_until(lambda spans: len({span.resource["process.executable.name"] for span in spans}) >= len(COMMANDS))
            assert not late.problems
        finally:
            late.stop()
    finally:
        agent.close()


def test_with_a_stopped_relay(agent, receiver, acceptor):
    """A relay that neither reads nor accepts holds nobody up; when it goes on, what they recorded arrives."""
    relay = agent.start_relay()
    os.kill(relay, signal.SIGSTOP)
    try:
        for command in COMMANDS.values():
            twin(agent, *command, TOUCH_PORT=acceptor)
        assert not receiver.spans
    finally:
        os.kill(relay, signal.SIGCONT)
    assert receiver.wait_until(lambda spans: len({span.resource["process.executable.name"] for span in spans}) >= len(COMMANDS))
    assert agent.relays() == [relay]


def test_launcher_is_the_same_process(agent, receiver, acceptor):
    process = agent.start(
        agent.layout.launcher, programs.build("dialer"), acceptor, 1, environment=agent.bare_environment()
    )
    assert process.wait(20) == 0
    (span,) = receiver.wait(1)
    assert span.resource["process.pid"] == process.pid
    assert socket.gethostname() == span.resource["host.name"]
