"""A system that refuses: each call of the agent's, memory, files, processes, descriptors. The program ends as it does without the agent."""

import errno
import os
import re
import resource
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness import programs
from harness.agent import DIST, REPOSITORY, Agent
from harness.limits import control_group, limited, system_calls
from harness.ways import OwnWorld, RelayFound, RelayStarted, RelayStartedAbstract, forgive_short_identities

IS_LONG = os.environ.get("OTEL_TEST_LONG") == "1"
REFUSALS = [errno.EPERM, errno.ENOSYS, errno.ENOMEM, errno.EAGAIN, errno.EMFILE]
KIB, MIB = 1 << 10, 1 << 20


class Refused:
    """Runs as the faults' ways do, with the agent that ships, and with the kernel refusing."""

    def __init__(self, way):
        self.way = way

    def run(self, refusal=None):
        self.way.prepare()
        more = dict(self.way.variables)
        if refusal:
            more |= {"DENY": "{}:{}".format(*refusal), "LD_PRELOAD": f"{DIST.library}:{programs.library('deny.so')}"}
        done = self.way.world.run(*self.way.command(), environment=self.way.world.bare_environment(**more), timeout=40)
        if isinstance(self.way, OwnWorld):
            self.way.close()
        return done.returncode, re.sub(r"pipe:\[\d+\]", "pipe", done.stdout), done.stderr


def test_every_call_refused_by_the_kernel(sites, agent, web, acceptor, receiver, measured):
    """ENOSYS of an old kernel, EPERM of a container's filter, ENOMEM, EAGAIN and EMFILE of one that has run out of something."""
    numbers = system_calls()
    calls = sorted({found[1] for site in sites if (found := re.search(r"SYS_(\w+)", site))} | {"clone"})
    programs.build("faulted", libraries=["-lcurl"])
    programs.library("deny.so")
    agent.start_relay()
    ways = [RelayFound, RelayStarted, RelayStartedAbstract] if IS_LONG else [RelayFound, RelayStarted]
    bare = {way: Refused(way(agent, web, acceptor, 0)).run() for way in ways}
    # In a short run each call is refused in every way, and the reasons take turns.
    cases = [
        (way, call, reason)
        for at, call in enumerate(calls)
        for nth, way in enumerate(ways)
        for reason in (REFUSALS if IS_LONG else [REFUSALS[(at + nth) % len(REFUSALS)]])
    ]

    def one(case):
        way, call, reason = case
        try:
            refused = Refused(way(agent, web, acceptor, 0)).run((numbers[call], reason))
        except subprocess.TimeoutExpired:
            refused = "a hang"
        if refused != bare[way]:
            return f"{way.__name__}, {call} refused with {errno.errorcode[reason]}: {refused}\ninstead of {bare[way]}"
        return None

    with ThreadPoolExecutor(4) as pool:
        problems = [problem for problem in pool.map(one, cases) if problem]
    forgive_short_identities(agent, receiver)
    measured(f"{len(calls)} system calls of the agent refused by the kernel, {len(cases)} programs: all as without the agent")
    assert not problems, f"{len(problems)}: " + "\n\n".join(problems[:10])


def test_a_refusal_is_one(agent, receiver, acceptor):
    """The control: without memfd_create there is no region, and without a filter there is."""
    number = system_calls()["memfd_create"]
    preload = f"{DIST.library}:{programs.library('deny.so')}"
    for deny, name in ((f"{number}:1", "refused"), (f"{number + 100000}:1", "granted")):
        environment = agent.bare_environment(LD_PRELOAD=preload, DENY=deny, OTEL_SERVICE_NAME=name)
        assert agent.run(programs.build("dialer"), acceptor, 3, environment=environment).returncode == 0
    assert {span.service for span in receiver.wait(3)} == {"granted"}


LIMITS = {
    "no file": (resource.RLIMIT_FSIZE, 0),
    "a file of 1 KiB": (resource.RLIMIT_FSIZE, KIB),
    "a file of 1 MiB": (resource.RLIMIT_FSIZE, MIB),
    "four descriptors": (resource.RLIMIT_NOFILE, 4),
    "a stack of 64 KiB": (resource.RLIMIT_STACK, 64 * KIB),
    "no core file": (resource.RLIMIT_CORE, 0),
    "no locked memory": (resource.RLIMIT_MEMLOCK, 0),
    "no queued signal": (resource.RLIMIT_SIGPENDING, 0),
}


@pytest.mark.parametrize("name", LIMITS)
def test_resource_limits(agent, web, acceptor, name):
    """No SIGXFSZ, no other result. The agent's relay is another process, and none is there yet."""
    command = [programs.build("faulted", libraries=["-lcurl"]), acceptor, web.url]
    bare = limited(agent, command, False, [LIMITS[name]])
    traced = limited(agent, command, True, [LIMITS[name]])
    assert [re.sub(r"pipe:\[\d+\]", "pipe", str(part)) for part in traced] == [re.sub(r"pipe:\[\d+\]", "pipe", str(part)) for part in bare]


def test_every_descriptor_in_use(agent, receiver, acceptor):
    """The program has none left, and the agent needs none: it records."""
    script = f"""
import os, resource, socket
resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
one = socket.socket()
try:
    while True: os.dup(0)
except OSError as error:
    print(error.errno)
one.connect(("127.0.0.1", {acceptor}))
print(one.fileno())
"""
    command = ["/usr/bin/python3", "-S", "-c", script]
    bare, traced = limited(agent, command, False), limited(agent, command, True)
    assert traced == bare and bare[0] == 0, (traced, bare)
    assert receiver.wait(1), "nothing was recorded"


def test_no_more_processes(acceptor, receiver):
    """The user has as many processes as it may have. The helper is one more: so there is none, and no region."""
    agent, uid = Agent(receiver.url), 54321
    try:
        for folder in (agent.world, agent.runtime_directory):
            os.chown(folder, uid, uid)
        prefix = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
        command = [*prefix, "prlimit", "--nproc=1", programs.build("dialer"), acceptor, 20]
        bare, traced = limited(agent, command, False), limited(agent, command, True)
        assert traced == bare == (0, "", "")
    finally:
        agent.close()


def load_size():
    """Address space that the agent takes when it is loaded."""
    segments = subprocess.run(["readelf", "--wide", "--segments", DIST.library], capture_output=True, text=True, check=True).stdout
    found = re.findall(r"^\s+LOAD\s+\S+\s+(0x[0-9a-f]+)\s+\S+\s+\S+\s+(0x[0-9a-f]+)", segments, re.M)
    return max(int(address, 16) + int(size, 16) for address, size in found)


def test_address_space(agent, acceptor, measured):
    """Where the bare program has just enough, the agent needs what its file says, and a region; from there on every limit does."""
    agent.start_relay()
    command = [programs.build("grower"), acceptor, 8]
    works = lambda size, under_agent: limited(agent, command, under_agent, [(resource.RLIMIT_AS, size)])  # noqa: E731
    good = limited(agent, command, False)
    low, high = MIB, 256 * MIB
    while high - low > 64 * KIB:
        middle = (low + high) // 2
        low, high = (low, middle) if works(middle, False) == good else (middle, high)
    # The C library keeps room for ld.so's own record of one more object.
    needed = (load_size() + 3 * MIB + 256 * KIB) // KIB * KIB
    for more in [*range(0, MIB, 128 * KIB), 2 * MIB, 4 * MIB, 8 * MIB]:
        assert works(high + needed + more, True) == good, f"{more} above"
    measured(f"a program that needs {high >> 20} MiB of address space needs {needed >> 10} KiB more with the agent")


def test_control_groups(agent, receiver, acceptor, measured):
    """One process, and hardly more memory than the bare program needs."""
    grower = [programs.build("grower"), acceptor, 8]
    tested = []
    with control_group("pids", {1: {"pids.max": 1}, 2: {"pids.max": 1}}) as prefix:
        if prefix:
            assert limited(agent, [*prefix, *grower], True) == limited(agent, [*prefix, *grower], False) == (0, "dial 0\ndial 0\n", "")
            assert not receiver.spans
            tested.append("pids.max 1")
    agent.start_relay()
    settings = {1: {"memory.limit_in_bytes": 16 * MIB}, 2: {"memory.max": 16 * MIB, "memory.swap.max": 0}}
    with control_group("memory", settings) as prefix:
        if prefix:
            many = [programs.build("dialer"), acceptor, 2000]
            assert limited(agent, [*prefix, *many], True) == limited(agent, [*prefix, *many], False) == (0, "", "")
            assert len(receiver.wait(2000)) == 2000
            tested.append("memory 16 MiB")
    measured(f"control groups: {', '.join(tested) or 'none can be made here'}")


def hide(*folders):
    """Not where this repository is: without its file the agent would not be there either."""
    return "; ".join(f"mount -t tmpfs -o ro none {folder}" for folder in folders if Path(folder) not in REPOSITORY.parents) or "true"


# What hides from the program, in a mount name space of its own.
PLACES = {
    "a runtime directory of 256 KiB": "mount -t tmpfs -o size=256k,mode=700 none $RUN",
    "a full runtime directory": "mount -t tmpfs -o size=4k,mode=700 none $RUN; dd if=/dev/zero of=$RUN/full bs=4k count=2 2>/dev/null",
    "a read-only runtime directory": "mount -t tmpfs -o ro,mode=700 none $RUN",
    "no /proc": hide("/proc"),
    "no /dev": hide("/dev"),
    "no /tmp": hide("/tmp"),
    "no /run": hide("/run"),
    "nothing": hide("/dev", "/tmp", "/run", "/proc"),
}


@pytest.mark.parametrize("name", PLACES)
def test_file_systems(agent, web, acceptor, name):
    script = f"RUN={agent.runtime_directory}; {PLACES[name]}; exec \"$@\""
    command = ["unshare", "-m", "sh", "-c", script, "sh", programs.build("faulted", libraries=["-lcurl"]), acceptor, web.url]
    bare, traced = limited(agent, command, False), limited(agent, command, True)
    # "pipe:[1]", and what a mount of one's own is called
    assert [re.sub(r"\[\d+\]", "", str(part)) for part in traced] == [re.sub(r"\[\d+\]", "", str(part)) for part in bare]


def test_an_environment_beyond_all_bounds(agent, receiver, acceptor):
    """More OTEL_* than there is room for: nothing is sent, rather than to somebody else. A name of 100 KiB is cut."""
    dialer = programs.build("dialer")
    more = {f"OTEL_SOMETHING_{number}": "x" * 1000 for number in range(40)}
    assert limited(agent, [dialer, acceptor, 3], True, **more) == (0, "", "")
    longer = ["python3", "-c", f"import os; os.execv({str(dialer)!r}, ['x' * 100000, '{acceptor}', '3'])"]
    assert limited(agent, longer, True, OTEL_SERVICE_NAME="long") == (0, "", "")
    spans = receiver.wait(3)
    assert {span.service for span in spans} == {"long"}
    assert all(len(str(value)) < 5000 for span in spans for value in span.resource.values())
