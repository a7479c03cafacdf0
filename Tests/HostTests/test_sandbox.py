"""Programs that lock themselves in, give rights away or move into other name spaces: before their first span, and after it."""

import os
import shutil
import signal

import pytest

from harness import programs
from harness.agent import Layout
from harness.twin import outcome, twin

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: there is nothing to give away")

COUNT = 20
DROPS = ["setuid", "setreuid", "seteuid", "setresuid", "setgid", "setgroups", "all", "capset"]
SPACES = ["user", "mount", "pid", "net", "time", "setns-mount", "setns-net", "setns-pid"]
LIMITS = ["chroot", "chdir", "no-new-privileges", "not-dumpable", "no-writable-code", "landlock"]
# glibc makes every thread change its ids, by a signal (nptl(7)): a thread that blocked it would make the call hang.
THREADS = ["threads-all", "threads-capset", "threads-setgroups", "threads-landlock", "threads-user"]


@pytest.fixture
def public(agent):
    """Programs that become somebody else can still execute the relay."""
    agent.layout = Layout(shutil.copytree(agent.layout.root, agent.world / "dist", symlinks=True))
    agent.world.chmod(0o755)
    return agent


def same(agent, *command, **variables):
    bare, traced = agent.run_bare(*command, **variables), agent.run(*command, **variables)
    assert outcome(traced, agent) == outcome(bare, agent)
    return traced


@pytest.mark.parametrize("action", DROPS + SPACES + LIMITS + THREADS)
def test_a_region_outlives_what_is_given_away(public, receiver, acceptor, action):
    """What was recorded before and after arrives; every thread has the same rights, and a child can be made, as without the agent."""
    done = same(public, programs.build("confined"), "after", action, acceptor, COUNT)
    assert done.returncode == 0
    spans = receiver.wait(2 * COUNT)
    assert len(spans) >= 2 * COUNT if action.startswith("threads-") else len(spans) == 2 * COUNT


# There a program cannot reach or start a relay that could send; one of another world may happen to be in reach.
ALONE = {"chroot", "user", "net", "landlock"}


@pytest.mark.parametrize("action", DROPS + SPACES + LIMITS)
def test_what_is_given_away_before_the_first_span(public, receiver, acceptor, action):
    """Traced where that can be; the program is the same in any case."""
    assert same(public, programs.build("confined"), "before", action, acceptor, COUNT).returncode == 0
    if action == "pid":
        # A helper would be the new name space's first process, and with its end nobody could fork any more.
        assert receiver.wait(1, timeout=0.3) == []
    elif action not in ALONE:
        assert len(receiver.wait(COUNT)) == COUNT


WAYS = ["prctl", "syscall", "syscall-all", "seccomp", "seccomp-all"]
ACTIONS = ["errno", "trap", "thread", "process"]


def filtering():
    return programs.build("filter", libraries=["-lseccomp", "-lcurl"])


@pytest.mark.parametrize("way", WAYS + ["inline"])
def test_no_system_call_behind_a_filter_of_the_programs_own(agent, receiver, acceptor, way):
    for action in ACTIONS:
        done = same(agent, filtering(), "after", way, action, acceptor, COUNT)
        assert (done.returncode, done.stdout, done.stderr) == (0, "unharmed\n", "")
    # Also what was recorded behind the filter.
    expected = 2 * COUNT * len(ACTIONS)
    spans = receiver.wait(expected)
    assert len(spans) >= expected if "-all" in way else len(spans) == expected


@pytest.mark.parametrize("way", WAYS)
def test_behind_a_filter_from_the_beginning_nothing_happens(agent, receiver, acceptor, way):
    for action in ACTIONS:
        done = same(agent, filtering(), "before", way, action, acceptor, COUNT)
        assert (done.returncode, done.stdout, done.stderr) == (0, "unharmed\n", "")
    assert receiver.wait(1, timeout=0.3) == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_strict_mode(agent, receiver, acceptor, when):
    done = same(agent, filtering(), when, "prctl", "strict", acceptor, COUNT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "unharmed\n", "")
    expected = COUNT if when == "after" else 0
    assert len(receiver.wait(max(1, expected), timeout=20 if expected else 0.3)) == expected


# MARK: Filters that were there before the program: a container's, a service manager's

# What the agent itself calls in the program, beside what the program's own start and its loader call. docs/limits.md names them.
OWN_CALLS = {"readlinkat", "madvise", "getpid", "clone", "wait4", "rt_sigprocmask", "getrandom", "prctl"}
HELPER_CALLS = ["memfd_create", "ftruncate", "fcntl", "uname", "getppid", "geteuid", "sendmsg", "getsockopt"]


def calls_of(agent, tmp_path, *command, environment):
    """What strace saw of the command's first process: name → how often."""
    trace = tmp_path / "trace"
    done = agent.run("strace", "-ff", "-o", trace, *command, environment=environment)
    assert done.returncode == 0, done.stderr
    first = min(tmp_path.glob("trace.*"), key=lambda file: int(file.suffix[1:]))
    names = [line.split("(")[0] for line in first.read_text().splitlines() if "(" in line]
    for file in tmp_path.glob("trace.*"):
        file.unlink()
    return names


def test_the_system_calls_in_a_program_are_those_that_are_told(agent, receiver, acceptor, tmp_path):
    agent.start_relay()
    command = [programs.build("dialer"), acceptor, 3]
    bare = calls_of(agent, tmp_path, "env", *command, environment=agent.bare_environment())
    traced = calls_of(agent, tmp_path, "env", f"LD_PRELOAD={agent.layout.library}", *command, environment=agent.bare_environment())
    assert len(receiver.wait(3)) == 3
    assert set(traced) - set(bare) == OWN_CALLS - set(bare)
    assert traced.count("clone") == 1


@pytest.mark.parametrize("call", HELPER_CALLS)
def test_a_killing_filter_that_the_helper_runs_into(agent, acceptor, call):
    agent.start_relay()
    done = agent.run(programs.build("denying", libraries=["-lseccomp"]), "process", call, programs.build("dialer"), acceptor, 3)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_filter_that_refuses_harms_nobody(agent, acceptor):
    """Each by itself, and all together: EPERM, as containers have it. What arrives then may lack a process's id or a host's name."""
    nowhere = "http://127.0.0.1:9"
    for calls in [*sorted(OWN_CALLS), *HELPER_CALLS, ",".join([*OWN_CALLS, *HELPER_CALLS])]:
        command = [programs.build("denying", libraries=["-lseccomp"]), "errno", calls, programs.build("dialer"), acceptor, 3]
        assert same(agent, *command, OTEL_EXPORTER_OTLP_ENDPOINT=nowhere).returncode == 0, calls
    for relay in agent.relays():
        os.kill(relay, signal.SIGKILL)


@pytest.mark.parametrize("calls", ["add_key,keyctl,mount,ptrace,kexec_load,bpf,perf_event_open,userfaultfd", "mprotect-code,mmap-code"])
@pytest.mark.parametrize("action", ["errno", "process"])
def test_an_ordinary_filter_is_no_reason_to_be_off(agent, receiver, acceptor, calls, action):
    """A container's, and MemoryDenyWriteExecute=. The relay is started from inside of it."""
    # ld.so itself maps code: what is forbidden is to make memory executable later.
    preload = agent.environment()["LD_PRELOAD"]
    command = [programs.build("denying", libraries=["-lseccomp"]), action, calls, "env", f"LD_PRELOAD={preload}", programs.build("dialer"), acceptor, 3]
    assert agent.run(*command, environment=agent.bare_environment()).returncode == 0
    assert len(receiver.wait(3)) == 3


@pytest.mark.parametrize("call", ["clone", "rt_sigprocmask"])
def test_the_limit_is_as_it_is_told(agent, acceptor, call):
    """A filter from outside that kills, and does not permit these, kills. The day this fails docs/limits.md can be shortened."""
    done = agent.run(programs.build("denying", libraries=["-lseccomp"]), "process", call, programs.build("dialer"), acceptor, 3)
    assert done.returncode == -31


# MARK: Sandboxes of others

SANDBOXES = [
    ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"],
    ["bwrap", "--ro-bind", "/", "/", "--tmpfs", "/run", "--dev", "/dev", "--proc", "/proc"],
    ["bwrap", "--unshare-user", "--unshare-pid", "--bind", "/", "/", "--die-with-parent", "--cap-drop", "ALL", "--new-session"],
    ["unshare", "-r"],
    ["unshare", "-Urmpf", "--mount-proc"],
    ["unshare", "-mpfn", "--mount-proc"],
    ["setpriv", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"],
]


@pytest.mark.parametrize("sandbox", SANDBOXES, ids=lambda sandbox: " ".join(sandbox[:4]).replace("/", ""))
def test_a_sandbox_looks_the_same(public, acceptor, sandbox):
    """The agent is in the program that makes the sandbox too, and, by touch.so, has its region there before that begins."""
    # Of /tmp what could be ours: others write there too.
    said = "id; ls /run; ls -d /tmp/*otelagent* 2>/dev/null; grep -E 'Cap|Seccomp|NoNewPrivs|Threads' /proc/self/status; ls /proc/self/fd; exit 7"
    assert twin(public, *sandbox, "sh", "-c", said, TOUCH_PORT=acceptor, XDG_STATE_HOME=None).status == 7
