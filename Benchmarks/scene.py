"""What every measurement stands on: the programs built, hosts run with and without the agent, a relay and a collector of one's own."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent
ROOT = BENCHMARKS.parent
PROGRAMS = BENCHMARKS / "programs"
FLAGS = ["-O2", "-Wall", "-Wextra", "-Werror"]
# How long a process of ours may take to come up or to end before the measurement is given up.
PATIENCE = 30


class Unmeasured(Exception):
    """The measurement could not be made; the text says why."""


@dataclass(frozen=True)
class Distribution:
    """The files under test, as installed."""

    path: Path = ROOT / "dist"

    @property
    def agent(self):
        return self.path / "lib" / "otelagent" / "libotelagent.so"

    @property
    def relay(self):
        return self.path / "lib" / "otelagent" / "otel-relay"

    @property
    def launcher(self):
        return self.path / "bin" / "otel-instrument"

    def check(self):
        for file in (self.agent, self.relay, self.launcher):
            if not file.exists():
                raise Unmeasured(f"{file} does not exist: run `make` first.")


@dataclass(frozen=True)
class Programs:
    """The compiled programs of programs/."""

    path: Path

    @classmethod
    def build(cls, into):
        into.mkdir(parents=True, exist_ok=True)
        # In a folder of its own: whoever looks for libcurl there finds the fake one.
        (into / "fake").mkdir(exist_ok=True)
        fake = ["-Wl,-soname,libcurl.so.4", f"-Wl,--version-script={PROGRAMS / 'fake-curl.map'}"]
        compile(into / "fake" / "libcurl.so.4", "fake-curl.c", "-fPIC", "-shared", *fake)
        compile(into / "fake" / "libfake-libc.so", "fake-libc.c", "-fPIC", "-shared")
        compile(into / "slow-clock.so", "slow-clock.c", "-fPIC", "-shared")
        compile(into / "steady-heap.so", "steady-heap.c", "-fPIC", "-shared", "-ftls-model=initial-exec", "-fno-builtin-malloc")
        # Bound before it starts, as distributions build theirs.
        compile(into / "calls", "calls.c", "-mno-red-zone", "-lcurl", "-Wl,-z,now")
        # The same, loaded with its libcurl when the program already runs.
        compile(into / "calls.so", "calls.c", "-mno-red-zone", "-fPIC", "-shared", "-lcurl")
        compile(into / "loader", "loader.c")
        compile(into / "spawn-pairs", "spawn-pairs.c")
        compile(into / "http-server", "http-server.c")
        return cls(into)

    def build_cpp_peer(self, prefix):
        """The program that is traced by hand with the opentelemetry-cpp that is installed under `prefix`."""
        target = self.path / "peer-requests"
        libraries = sorted(prefix.glob("lib*/libopentelemetry_*.a")) + sorted(prefix.glob("lib*/libopentelemetry_*.so"))
        if not libraries:
            raise Unmeasured(f"{prefix} has no libopentelemetry_*: OTEL_CPP_PREFIX is where opentelemetry-cpp is installed.")
        places = [f"-Wl,-rpath,{folder}" for folder in sorted({library.parent for library in libraries})]
        grouped = [*places, "-Wl,--start-group", *libraries, "-Wl,--end-group", "-lprotobuf", "-lcurl", "-lz", "-lpthread"]
        command = ["c++", "-std=c++17", "-O2", "-I", prefix / "include", PROGRAMS / "peer-requests.cc", "-o", target, *grouped]
        if subprocess.run(command).returncode != 0:
            raise Unmeasured("peer-requests.cc cannot be built with that opentelemetry-cpp; see above.")
        return target

    @property
    def calls(self):
        return self.path / "calls"

    @property
    def late_calls(self):
        return [self.path / "loader", self.path / "calls.so"]

    @property
    def slow_clock(self):
        return self.path / "slow-clock.so"

    @property
    def steady_heap(self):
        return self.path / "steady-heap.so"

    @property
    def spawn_pairs(self):
        return self.path / "spawn-pairs"


def compile(target, source, *options):
    flags = [option for option in options if not option.startswith("-l")]
    libraries = [option for option in options if option.startswith("-l")]
    subprocess.run(["cc", *FLAGS, *flags, PROGRAMS / source, "-o", target, *libraries], check=True)


def output(command, environment=None, **more):
    """Standard output of a command that must succeed."""
    command = [str(word) for word in command]
    result = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)
    if result.returncode != 0:
        raise Unmeasured(f"{' '.join(command)}: exit status {result.returncode}. {result.stderr.strip()[-500:]}")
    return result.stdout


def numbers(text):
    return [float(word) for word in text.split()]


def wait_until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise Unmeasured(f"{what} did not happen within {PATIENCE} s.")
        time.sleep(0.01)


class Collector:
    """An OTLP receiver that counts spans. Its totals are known once it is stopped."""

    def __init__(self, programs):
        self.process = subprocess.Popen([programs.path / "http-server"], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.requests = self.spans = self.bytes = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def stop(self):
        if self.requests is None:
            self.process.send_signal(signal.SIGTERM)
            words = self.process.stdout.read().split()
            self.process.wait()
            self.requests, self.spans, self.bytes = map(int, words)


class Relay:
    """`before`: words in front of the command."""

    def __init__(self, distribution, environment, before=()):
        self.process = subprocess.Popen([*before, distribution.relay], env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def answers():
            if self.process.poll() is not None:
                raise Unmeasured(f"otel-relay ended at once with exit status {self.process.returncode}.")
            return subprocess.run([distribution.relay, "status"], env=environment, capture_output=True).returncode == 0

        wait_until(answers, "an answer of otel-relay")

    def cpu_nanoseconds(self):
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)

    def peak_memory_kib(self):
        return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())[1])

    def stop(self):
        """Orderly: exports what it has."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE)


def undisturbed():
    """Words in front of a command that give it a processor whenever it wants one; none where that is not permitted."""
    words = ["chrt", "--rr", "1", "taskset", "--cpu-list", str(max(os.sched_getaffinity(0)))]
    try:
        return words if subprocess.run([*words, "true"], stderr=subprocess.DEVNULL).returncode == 0 else []
    except FileNotFoundError:
        return []


@dataclass
class Scene:
    """One relay and one collector, and how a host is run beside them."""

    distribution: Distribution
    programs: Programs
    directory: Path
    collector: Collector
    relay: Relay | None = None
    variables: dict[str, str] = field(default_factory=dict)
    preload: list[Path] = field(default_factory=list)  # beside the agent, and without it

    def environment(self, agent=True, fake=True, **more):
        """`fake`: with the libraries that do nothing in the place of the real ones."""
        variables = {"PATH": os.environ["PATH"], "HOME": str(self.directory), "XDG_RUNTIME_DIR": str(self.directory)}
        preloads = [str(self.distribution.agent)] if agent else []
        preloads += [str(entry) for entry in self.preload]
        if fake:
            variables["LD_LIBRARY_PATH"] = str(self.programs.path / "fake")
            preloads.append(str(self.programs.path / "fake" / "libfake-libc.so"))
        if preloads:
            variables["LD_PRELOAD"] = ":".join(preloads)
        variables |= {"OTEL_SERVICE_NAME": "bench", "OTEL_NATIVE_RELAY": "external"}
        variables |= {"OTEL_EXPORTER_OTLP_ENDPOINT": self.collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        return variables | self.variables | more

    def start_relay(self, before=(), **more):
        clean = {name: value for name, value in self.environment(agent=False, fake=False).items() if not name.startswith("OTEL_")}
        self.relay = Relay(self.distribution, clean | more, before)

    def calls(self, *arguments, before=(), late=False, **options):
        """The numbers that programs/calls.c prints. `before`: words in front of the command. `late`: with a libcurl loaded by dlopen."""
        command = self.programs.late_calls if late else [self.programs.calls]
        return numbers(output([*before, *command, *arguments], self.environment(**options)))

    def pair(self, *arguments, **options):
        """The same with the agent and without it."""
        return self.calls(*arguments, agent=True, **options), self.calls(*arguments, agent=False, **options)

    def stop(self):
        if self.relay:
            self.relay.stop()
        self.collector.stop()

    def finish(self, spans_expected):
        """Stops everything; the measurement counts only when exactly what should have been recorded has arrived."""
        self.stop()
        if self.collector.spans != spans_expected:
            raise Unmeasured(f"{self.collector.spans} spans arrived where {spans_expected} should have: the agent did other work.")


@contextmanager
def scene(distribution, programs, relay=True, **variables):
    distribution.check()
    with tempfile.TemporaryDirectory(prefix="otelagent-bench-") as directory:
        os.chmod(directory, 0o700)
        here = Scene(distribution, programs, Path(directory), Collector(programs), variables=variables)
        try:
            if relay:
                here.start_relay()
            yield here
        finally:
            here.stop()


def counting(log):
    """Words in front of a command by which callgrind counts its user-space instructions, into the file `log`."""
    if not shutil.which("valgrind"):
        raise Unmeasured("valgrind is not installed.")
    return ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", f"--log-file={log}"]


def counted(log):
    """How many they were."""
    text = log.read_text()
    match = re.search(r"Collected : (\d+)", text)
    if not match:
        raise Unmeasured(f"callgrind did not come to its end. {text.strip()[-300:]}")
    return int(match[1])


def callgrind(programs, environment, call, short=200, long=1200):
    """User-space instructions per call as callgrind counts them: the difference of two run lengths.

    Only for what needs no region; see programs/step.h."""
    counts = []
    with tempfile.TemporaryDirectory(prefix="otelagent-bench-") as directory:
        log = Path(directory) / "callgrind"
        for count in (short, long):
            output([*counting(log), programs.calls, "run", call, str(count)], environment)
            counts.append(counted(log))
    return (counts[1] - counts[0]) / (long - short)
