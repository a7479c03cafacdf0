"""The fault matrix: every fault of `FAULTS` under every program of `harness/hosts.py`, bare and with the agent, equal.

What needs a program of its own is in `ELSEWHERE`, by the test that does it. docs/faults.md is made of both:
`python3 Tests/HostTests/test_fault_matrix.py` writes it.
"""

import contextlib
import os
import re
import signal
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness import faults
from harness.agent import REPOSITORY, Agent
from harness.gitserver import GitServer
from harness.hosts import HOSTS, Servers
from harness.receiver import Receiver
from harness.twin import outcome
from harness.webserver import WebServer, closed_port, silent_port

DOCUMENT = REPOSITORY / "docs/faults.md"
# What becomes of the spans.
ARRIVE, KEPT, NONE = "arrive", "are kept, or dropped and counted", "are not made"


@dataclass(frozen=True)
class Fault:
    """One row. `enter` is a context manager that takes the agent's world and brings the fault about."""

    spans: str
    #: in front of the command, in both runs
    prefix: tuple = ()
    #: added to the environment, in both runs
    variables: dict = field(default_factory=dict)
    #: what the collector does with each request
    collector: object = None
    enter: object = None
    #: before each run with the agent
    before: object = None


# MARK: Faults


@contextlib.contextmanager
def endpoint(agent, url):
    agent.endpoint = url
    yield


def absent(agent):
    return endpoint(agent, f"http://127.0.0.1:{closed_port()}")


@contextlib.contextmanager
def black_hole(agent):
    with silent_port() as port, endpoint(agent, f"http://127.0.0.1:{port}"):
        yield


@contextlib.contextmanager
def stopped_relay(agent):
    relay = agent.start_relay()
    os.kill(relay, signal.SIGSTOP)
    yield
    os.kill(relay, signal.SIGCONT)


def kill_relay(agent):
    for relay in agent.relays():
        os.kill(relay, signal.SIGKILL)


def runtime_directory(make):
    """The same name as before for the world's runtime directory, but what `make` makes of it."""

    @contextlib.contextmanager
    def enter(agent):
        directory = agent.runtime_directory
        directory.rmdir()
        make(directory)
        yield

    return enter


def symbolic_link(directory):
    (directory.parent / "elsewhere").mkdir(mode=0o777)
    directory.symlink_to(directory.parent / "elsewhere")


def foreign(directory):
    directory.mkdir(mode=0o700)
    os.chown(directory, 65534, 65534)


def in_new_mounts(script):
    return ("unshare", "-m", "sh", "-c", f'{script}; exec "$@"', "sh")


TMPFS = "mount -t tmpfs -o size=64k,mode=700 none $XDG_RUNTIME_DIR; head -c 64k /dev/zero >$XDG_RUNTIME_DIR/full 2>/dev/null"
READ_ONLY = "mount --bind $XDG_RUNTIME_DIR $XDG_RUNTIME_DIR && mount -o remount,ro,bind $XDG_RUNTIME_DIR"

FAULTS = {
    "none": Fault(ARRIVE),
    # The collector
    "the collector is not there": Fault(KEPT, enter=absent),
    "the collector accepts nothing": Fault(KEPT, enter=black_hole),
    "the collector never answers": Fault(KEPT, collector="hang"),
    "the collector resets the connection": Fault(KEPT, collector=faults.raw(reset=True)),
    "the collector answers 503, and to try again in 1e9 s": Fault(KEPT, collector=faults.answer(503, Retry_After="1000000000")),
    "the collector answers 429, and to try again at nonsense": Fault(KEPT, collector=faults.answer(429, Retry_After="-1 x")),
    "the collector answers 400": Fault(KEPT, collector=faults.answer(400, b"no")),
    "the collector redirects": Fault(KEPT, collector=faults.answer(307, Location="http://127.0.0.1:1/v1/traces")),
    "the collector answers without end": Fault(KEPT, collector=faults.endless(faults.OK_HEAD + b"\r\n", bytes(65536))),
    "the collector answers with a gzip bomb": Fault(KEPT, collector=faults.answer(200, faults.BOMB, Content_Encoding="gzip")),
    "the collector answers garbage": Fault(KEPT, collector=faults.answer(200, b"\xff\xfe{}")),
    # The relay
    "the relay is stopped": Fault(KEPT, enter=stopped_relay),
    "the relay is killed before each program": Fault(KEPT, before=kill_relay),
    "no relay may be started": Fault(NONE, variables={"OTEL_NATIVE_RELAY": "external"}),
    "the agent is switched off": Fault(NONE, variables={"OTEL_NATIVE_DISABLED": "true"}),
    "the runtime directory is missing": Fault(ARRIVE, enter=runtime_directory(lambda directory: None)),
    "the runtime directory is a link": Fault(ARRIVE, enter=runtime_directory(symbolic_link)),
    "the runtime directory is another user's": Fault(ARRIVE, enter=runtime_directory(foreign)),
    "the runtime directory is read-only": Fault(ARRIVE, prefix=in_new_mounts(READ_ONLY)),
    "the runtime directory is full": Fault(ARRIVE, prefix=in_new_mounts(TMPFS)),
    # Limits
    "files of 0 bytes (RLIMIT_FSIZE)": Fault(NONE, prefix=("prlimit", "--fsize=0")),
    "files of 1 MiB": Fault(NONE, prefix=("prlimit", "--fsize=1048576")),
    "a stack of 256 KiB (RLIMIT_STACK)": Fault(ARRIVE, prefix=("prlimit", "--stack=262144")),
    "no locked memory, no core": Fault(ARRIVE, prefix=("prlimit", "--memlock=0", "--core=0")),
    "12 descriptors (RLIMIT_NOFILE)": Fault(KEPT, prefix=("prlimit", "--nofile=12")),
    # The clock
    "a clock that is an hour late (faketime)": Fault(KEPT, prefix=("faketime", "-f", "-1h")),
    "a clock of a hundredfold speed": Fault(KEPT, prefix=("faketime", "-f", "+0 x100")),
    # The environment
    "settings of 20 kB": Fault(ARRIVE, variables={"OTEL_RESOURCE_ATTRIBUTES": ",".join(f"k{i}={'v' * 90}" for i in range(200))}),
    "settings of 100 kB": Fault(NONE, variables={"OTEL_RESOURCE_ATTRIBUTES": ",".join(f"k{i}={'v' * 90}" for i in range(1000))}),
    "settings that are nonsense": Fault(
        KEPT,
        variables={
            "OTEL_EXPORTER_OTLP_ENDPOINT": "file:///etc/passwd", "OTEL_EXPORTER_OTLP_HEADERS": "a=b\r\nc: d", "OTEL_TRACES_SAMPLER": "\x7f",
            "OTEL_BSP_SCHEDULE_DELAY": "-1", "OTEL_PROPAGATORS": ",,,", "TRACEPARENT": "00-" + 400 * "f", "TRACESTATE": 9000 * "=,",
        },
    ),
}  # fmt: skip
# Rows that need a program of their own: the test that runs them.
ELSEWHERE = {
    "the program is killed at any point": "test_kill.py::test_every_ended_span_arrives",
    "the program ends, in nineteen ways": "test_exit_paths.py::test_with_a_collector",
    "it ends while the collector does not answer": "test_exit_paths.py::test_with_a_collector_that_does_not_answer_until_later",
    "the relay is killed while programs run": "test_relay_life.py::test_sigkill_of_the_relay_loses_only_the_killed",
    "the relay leaves while sixteen threads do everything at once": "test_soak.py::test_nothing_is_lost_or_doubled",
    "the region is written to by somebody else": "test_hostile_region.py::test_a_storm",
    "a system call of the agent is refused, each of them": "test_limits.py::test_every_call_refused_by_the_kernel",
    "a step inside of the agent fails, each of them, once and always": "test_faults.py::test_every_step_that_can_fail",
    "other resource limits": "test_limits.py::test_resource_limits",
    "no more processes may be made": "test_limits.py::test_no_more_processes",
    "every descriptor is in use": "test_limits.py::test_every_descriptor_in_use",
    "address space is short": "test_limits.py::test_address_space",
    "memory and processes of a control group are short": "test_limits.py::test_control_groups",
    "/proc, /dev, /tmp or /run is missing": "test_limits.py::test_file_systems",
    "the clock is set while spans are open": "test_time.py::test_the_clock_is_set",
    "the program is stopped in the middle of a span": "test_time.py::test_stopped_in_the_middle",
    "another time name space": "test_time.py::test_another_time_name_space",
    "all descriptors are closed, or replaced": "test_daemon.py::test_a_daemon_finds_its_files_where_it_opened_them",
    "fork, in every way": "test_fork.py::test_ways_to_make_a_child",
    "fork among threads that record": "test_fork.py::test_a_fork_among_threads_that_record",
    "fork in a signal handler that returns": "test_fork.py::test_a_fork_in_a_signal_handler_that_returns",
    "a chain of a hundred programs": "test_exec.py::test_100_programs_one_after_the_other",
    "signals by the hundred in sixteen threads": "test_signals.py::test_signals_in_sixteen_threads",
    "threads are cancelled anywhere": "test_unwinding.py::test_threads_that_are_cancelled_anywhere",
    "a callback leaves by an exception, longjmp or pthread_exit": "test_unwinding.py::test_a_callback_that_does_not_return",
    "coroutines move between threads, and their stacks go": "test_coroutines.py::test_coroutines",
    "a thousand threads with the smallest stacks": "test_debuggers.py::test_a_thousand_threads_with_the_smallest_stacks",
    "rights are given up, sandboxes entered": "test_sandbox.py::test_a_region_outlives_what_is_given_away",
    "a seccomp filter kills": "test_sandbox.py::test_no_system_call_behind_a_filter_of_the_programs_own",
    "set-user-id, set-group-id, file capabilities": "test_privileges.py::test_secure_execution_is_left_alone",
    "hostile settings": "test_privileges.py::test_hostile_values_harm_nobody",
    "a runtime directory that is renamed all the time": "test_privileges.py::test_a_runtime_directory_that_is_renamed_all_the_time",
    "nginx, apache2, their workers": "test_daemons.py::test_workers_that_became_somebody_else",
    "sshd, its unprivileged child": "test_daemons.py::test_a_login_by_sshd",
    "twelve other preload libraries, in front and behind": "test_other_preloads.py::test_beside",
    "constructors that come before the agent's": "test_early.py::test_constructor",
    "the agent is loaded twice": "test_copies.py::test_in_one_list",
    "five libcurls in one process": "test_reach.py::test_ctypes_with_all_flavours_in_one_process",
    "libcurls are loaded and unloaded in each other's places": "test_reach.py::test_loaded_and_unloaded",
    "sanitizers": "test_sanitizers.py::test_a_program_with_a_sanitizer",
    "valgrind's tools": "test_debuggers.py::test_valgrind",
    "gdb, core files": "test_debuggers.py::test_gdb_sees_through_our_frames",
    "the files are replaced while programs run": "test_upgrade.py::test_an_upgrade_is_for_new_programs",
    "the files are removed while programs run": "test_upgrade.py::test_a_removed_agent_goes_on_in_running_programs",
    "children that the program did not make": "test_container.py::test_a_host_has_no_unknown_child",
    "another OpenTelemetry SDK in the program": "test_other_sdk.py::test_python_under_its_own_agent",
    "more spans than anybody can take": "test_load.py::test_every_span_is_accounted_for",
    "descriptors and handles by the hundred thousand": "test_load.py::test_churn",
    "the program crashes three times in a row": "test_breaker.py::test_the_fourth_run_succeeds",
}


# MARK: The runs


@dataclass
class Scene:
    servers: Servers
    bare: dict = field(default_factory=dict)


@pytest.fixture(scope="module")
def scene():
    web, git = WebServer(), GitServer()
    yield Scene(Servers(web.url, git.urls["http"]))
    web.stop()
    git.stop()


def recorded(agent):
    report = agent.relay_report()
    return report["spans"]["recorded"] if report else 0


@pytest.mark.parametrize("name", FAULTS)
def test_fault(scene, name):
    fault = FAULTS[name]
    receiver = Receiver()
    if fault.collector:
        receiver.mode = fault.collector
    agent = Agent(receiver.url)
    try:
        with fault.enter(agent) if fault.enter else contextlib.nullcontext():
            different = [host for host in HOSTS if not is_equal(agent, scene, fault, host)]
            assert not different, f"with the agent these are different: {different}"
            if fault.spans == ARRIVE:
                receiver.wait_until(lambda spans: {span.service for span in spans} == set(HOSTS))
                assert set(HOSTS) - {span.service for span in receiver.spans} == set()
            elif fault.spans == KEPT and not fault.before and name != "the relay is stopped":
                assert recorded(agent) >= len(HOSTS)
            elif fault.spans == NONE:
                assert recorded(agent) == 0
    finally:
        # It would try for some seconds more to deliver what nobody takes.
        kill_relay(agent)
        agent.close()
        receiver.stop()
    assert not receiver.problems


def is_equal(agent, scene, fault, host):
    command = [*fault.prefix, *HOSTS[host](scene.servers)]
    variables = {"OTEL_SERVICE_NAME": host, **fault.variables}
    # A fault of ours is none of a program without us: its bare run is the one without a fault.
    own = (host, fault.prefix)
    if own not in scene.bare:
        scene.bare[own] = outcome(agent.run_bare(*command, **variables), agent)
    if fault.before:
        fault.before(agent)
    traced = outcome(agent.run(*command, **variables), agent)
    if traced != scene.bare[own]:
        print(f"{host}: bare {scene.bare[own]}\n{host}: with the agent {traced}")
    return traced == scene.bare[own]


# MARK: The document


def document():
    rows = [f"| {name} | {fault.spans} | `test_fault_matrix.py::test_fault` |" for name, fault in FAULTS.items()]
    rows += [f"| {name} | by the program | `{test}` |" for name, test in ELSEWHERE.items()]
    hosts = "; ".join(HOSTS)
    return f"""# What goes wrong, and what a program notices: nothing

Each row is run by `make test`, without the agent and with it: output, errors and status of the program have to be equal. The rows of
`test_fault` are run with each of: {hosts}. The others have programs of their own.

| fault | spans | test in `Tests/HostTests` |
|---|---|---|
""" + "\n".join(rows) + "\n"


def test_the_document_is_this_table():
    assert DOCUMENT.read_text() == document(), "docs/faults.md is not what python3 Tests/HostTests/test_fault_matrix.py writes"


@pytest.mark.parametrize("test", ELSEWHERE.values())
def test_rows_elsewhere_exist(test):
    file, _, function = test.partition("::")
    assert re.search(rf"^def {function}\(", (Path(__file__).parent / file).read_text(), re.M)


if __name__ == "__main__":
    DOCUMENT.write_text(document())
