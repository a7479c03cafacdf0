"""The measurements. Each takes the distribution and the programs and returns rows of the table.

Two runs are compared each time, with the agent and without it (or the agent and a peer), interleaved where time is measured. Instruction
counts decide; times are orders of magnitude on a machine that is shared.
"""

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from instruction_trace import share_of_span, steps_of
from scene import BENCHMARKS, Unmeasured, callgrind, counted, counting, numbers, output, scene, undisturbed


@dataclass(frozen=True)
class Row:
    what: str
    value: float
    unit: str
    limit: float | None
    behind: str  # the numbers that the value was made from
    exact: bool = False  # a count: going over the limit is a failure and not bad weather

    @property
    def within(self):
        return self.limit is None or self.value <= self.limit


def start(distribution, programs):
    """A program that records nothing."""
    rows = []
    with scene(distribution, programs) as here:
        environment = here.environment(fake=False)
        settings = [f"{name}={value}" for name, value in environment.items() if name not in ("LD_PRELOAD", "PATH")]
        preload = f"LD_PRELOAD={distribution.agent}"

        def pairs(count, first, second):
            return numbers(output([programs.spawn_pairs, count, *first, "--versus", *second]))

        plain = [*settings, "/bin/true"]
        a, b, delta = pairs(800, plain, plain)
        rows.append(Row("start of /bin/true against itself (noise)", delta, "µs", None, f"{a:.0f} and {b:.0f} µs"))
        a, b, delta = pairs(1500, plain, [*settings, preload, "/bin/true"])
        rows.append(Row("start of /bin/true with the agent", delta, "µs", 150, f"{a:.0f} → {b:.0f} µs, 1500 pairs"))
        a, b, delta = pairs(800, plain, [*settings, preload, "OTEL_NATIVE_DISABLED=true", "/bin/true"])
        rows.append(Row("the same with OTEL_NATIVE_DISABLED=true", delta, "µs", None, f"{a:.0f} → {b:.0f} µs, 800 pairs"))
        a, b, delta = pairs(500, [*settings, preload, "/bin/true"], [*settings, str(distribution.launcher), "/bin/true"])
        rows.append(Row("otel-instrument before /bin/true", delta / 1000, "ms", 5, f"{a / 1000:.2f} → {b / 1000:.2f} ms, 500 pairs"))
        here.finish(spans_expected=0)
    return rows


def first_record(distribution, programs, processes=100, later=20):
    """The helper is a process of its own and waits for a processor: the table's value is of processes that need not wait."""
    rows = []
    with scene(distribution, programs) as here:
        before = undisturbed()
        runs = [here.pair("first", "perform", later, before=before) for _ in range(processes)]
        on, off = (sorted((first - usual) / 1000 for first, usual in (run[k] for run in runs)) for k in (0, 1))
        half = processes // 2
        behind = f"first call − later one: {off[half]:.1f} → {on[half]:.0f} µs, {on[processes // 10]:.0f}…{on[-processes // 10]:.0f}"
        behind += ", at real-time priority" if before else ", beside whatever else runs"
        rows.append(Row("first record of a process", on[half] - off[half], "µs", 150, behind))
        here.finish(processes * (later + 1))
    with scene(distribution, programs) as here:
        big = sorted(here.calls("first", "perform", 1, 2048)[0] / 1e6 for _ in range(5))
        rows.append(Row("first record of a 2 GiB process", big[2], "ms", 5, f"{big[0]:.2f}…{big[-1]:.2f} ms, 5 processes"))
        here.finish(10)
    return rows


def steps(here, call, count=60, **options):
    on, off = here.pair("step", call, count, **options)
    behind = f"{off[0]:.0f} → {on[0]:.0f} instructions, with the agent {on[1]:.0f}…{on[2]:.0f}"
    return on[0] - off[0], behind


WARM_UP = 20  # of programs/calls.c


def shares(here, call):
    """Instructions of the span itself, of the clock (the slow one), and of the hook around both: medians of three traced calls."""
    here.preload = [here.programs.slow_clock]
    traced = [share_of_span(steps_of(here, call)) for _ in range(3)]
    here.preload = []
    return {part: statistics.median(share[part] for share in traced) for part in ("span", "clock", "hook")}


TRACED = 3 * 30  # calls that shares() makes


def span(distribution, programs):
    """curl_easy_perform of a libcurl that does nothing: what is left is the hook (options, getinfo, header injection) and the span."""
    with scene(distribution, programs) as here:
        part = shares(here, "perform")
        here.finish(TRACED)
    whole = sum(part.values())
    behind = f"of {whole:.0f} in the whole call; {part['hook']:.0f} are the hook's and the empty libcurl's, the rest reads a clock that goes slowly"
    rows = [Row("span with 6 attributes", part["span"], "instructions", 800, behind, exact=True)]
    with scene(distribution, programs) as here:
        on, off = here.pair("time", "perform", 50_000)
        here.finish(WARM_UP + 50_000)
    added, portion = on[0] - off[0], (part["span"] + part["clock"]) / whole
    behind = f"{portion:.0%} of the whole call, as of its instructions; best burst {(on[1] - off[1]) * portion:.0f} ns"
    rows.append(Row("span with 6 attributes, clock included", added * portion, "ns", 250, behind))
    rows.append(Row("its whole call, hook and all", added, "ns", None, f"{off[0]:.1f} → {on[0]:.1f} ns, best burst {on[1]:.1f} ns"))
    return rows


def connect_span(distribution, programs):
    with scene(distribution, programs) as here:
        count, behind = steps(here, "connect")
        here.finish(WARM_UP + 60)
    return [Row("connect with its span, 3 attributes", count, "instructions", None, behind)]


def unsampled(distribution, programs):
    rows = []
    with scene(distribution, programs, OTEL_TRACES_SAMPLER="always_off") as here:
        for call, note in (("connect", ""), ("perform", ": traceparent is injected all the same")):
            part = shares(here, call)
            behind = f"{part['hook']:.0f} more are the hook's{note}"
            rows.append(Row(f"unsampled {call}: the span's part", part["span"] + part["clock"], "instructions", 150, behind, exact=True))
        on, off = here.pair("time", "perform", 50_000)
        rows.append(Row("unsampled perform: the whole call", on[0] - off[0], "ns", None, f"{off[0]:.1f} → {on[0]:.1f} ns"))
        here.finish(0)
    return rows


def unsampled_by_callgrind(distribution, programs):
    """The second instrument: both must agree."""
    with scene(distribution, programs, OTEL_TRACES_SAMPLER="always_off") as here:
        on = callgrind(programs, here.environment(agent=True), "perform")
        off = callgrind(programs, here.environment(agent=False), "perform")
        return [Row("unsampled perform, by callgrind", on - off, "instructions", None, f"{off:.0f} → {on:.0f} instructions")]


def no_interest(distribution, programs):
    rows = []
    with scene(distribution, programs) as here:
        for call, name in (("unix", "connect to a local address"), ("socket", "socket()"), ("dlsym", "dlsym of another library's function")):
            count, instructions = steps(here, call)
            runs = [here.pair("time", call, 20_000) for _ in range(3)]
            on, off = (statistics.median(run[k][1] for run in runs) for k in (0, 1))
            rows.append(Row(f"{name}: no span", on - off, "ns", 5, f"best bursts {off:.2f} → {on:.2f} ns; {instructions}"))
        here.finish(0)
    return rows


OFF = {"the agent": {"OTEL_NATIVE_DISABLED": "true"}, "the relay": {"OTEL_NATIVE_RELAY": "off"}, "the instrumentation": {"OTEL_NATIVE_DISABLED_INSTRUMENTATIONS": "curl"}}


def switched_off(distribution, programs):
    """What is left of a call of libcurl when it is not traced: of a program that was bound to us before we knew. Who comes later is not."""
    rows = []
    with scene(distribution, programs) as here:
        for late, how, limit in ((False, "linked", 15), (True, "loaded by dlopen", 0)):
            for what, variables in OFF.items():
                count, behind = steps(here, "perform", late=late, **variables)
                rows.append(Row(f"call of a libcurl {how}, {what} off", count, "instructions", limit, behind, exact=True))
        here.finish(0)
    return rows


BY_HAND = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def curl_request_instructions(distribution, programs, count=10):
    """A real libcurl and a real server, one kept-alive connection.

    An injected header costs libcurl itself thousands of instructions (formatting, a look at each header for each of its own), whoever
    injects it: the program that the agent is compared with sends the same header by hand. The other row is the whole difference.
    """
    with scene(distribution, programs) as here:
        url = f"{here.collector.url}/some/path?with=query"
        here.preload = [programs.slow_clock]
        on, plain = here.pair("step", "perform", count, fake=False, BENCH_URL=url)
        by_hand = here.calls("step", "perform", count, agent=False, fake=False, BENCH_URL=url, BENCH_HEADER=BY_HAND)
        here.finish(WARM_UP + count)
    behind = f"{by_hand[0]:.0f} with traceparent sent by hand → {on[0]:.0f} instructions"
    row = Row("real curl request", on[0] - by_hand[0], "instructions", 2500, behind, exact=True)
    behind = f"{plain[0]:.0f} → {on[0]:.0f} instructions; libcurl's own for one more header: {by_hand[0] - plain[0]:.0f}"
    return row, Row("the same, against one without traceparent", on[0] - plain[0], "instructions", None, behind)


def curl_request(distribution, programs):
    return list(curl_request_instructions(distribution, programs))


PARALLEL = 100  # PARALLEL_MAX of programs/calls.c


def throughput(distribution, programs, rounds=9):
    """Keep-alive requests over loopback by a C program: one after the other, and 100 in parallel in one multi handle. The server has the other core."""
    rows = []
    ways = {"absent": {"agent": False}, "disabled": {"OTEL_NATIVE_DISABLED": "true"}, "enabled": {}}
    for call, what, count, transfers in (("perform", "easy", 10_000, 1), ("parallel", "100 in a multi handle", 100, PARALLEL)):
        cost = {way: [] for way in ways}
        # As many as wait on a busy machine: a span that is dropped costs less.
        with scene(distribution, programs, OTEL_BSP_MAX_QUEUE_SIZE="100000") as here:
            url = f"{here.collector.url}/some/path?with=query"
            for _ in range(rounds):
                for way, options in ways.items():
                    cost[way].append(here.calls("cost", call, count, fake=False, BENCH_URL=url, **options))
            time.sleep(1)
            relay = here.relay.cpu_nanoseconds() / (rounds * (count + WARM_UP) * transfers) / 1000
            here.finish(rounds * (count + WARM_UP) * transfers)
        cpu = {way: statistics.median(used for used, _ in values) / transfers for way, values in cost.items()}
        rate = {way: 1e6 * transfers / statistics.median(took for _, took in values) for way, values in cost.items()}
        behind = ", ".join(f"{way} {cpu[way]:.1f} µs, {rate[way]:,.0f} requests/s" for way in ways)
        rows.append(Row(f"libcurl, {what}: client", cpu["enabled"] - cpu["absent"], "µs CPU", 2, behind))
        rows.append(Row(f"libcurl, {what}: relay", relay, "µs CPU", None, "its start and the export, in the other process"))
        rows.append(Row(f"libcurl, {what}: requests per second", rate["enabled"] / rate["absent"], "× those without", None, behind))
    return rows


def parallel_instructions(distribution, programs, parallel=10, count=5):
    """As the real curl request, for transfers in a multi handle, which is driven twice: to send all requests, and when all answers are there."""
    with scene(distribution, programs, BENCH_PARALLEL=str(parallel), BENCH_PAUSE_US="20000") as here:
        url = f"{here.collector.url}/some/path?with=query"
        here.preload = [programs.slow_clock, programs.steady_heap]
        on = here.calls("step", "parallel", count, fake=False, BENCH_URL=url)
        by_hand = here.calls("step", "parallel", count, agent=False, fake=False, BENCH_URL=url, BENCH_HEADER=BY_HAND)
        here.finish((WARM_UP + count) * parallel)
    behind = f"{by_hand[0] / parallel:.0f} with traceparent sent by hand → {on[0] / parallel:.0f} instructions"
    return [Row(f"one of {parallel} in a multi handle", (on[0] - by_hand[0]) / parallel, "instructions", 2500, behind, exact=True)]


def host_memory(distribution, programs):
    with scene(distribution, programs) as here:
        on, off = here.pair("memory", "perform", 1)
        here.finish(1)
    names = ("proportional", "private dirty", "highest resident")
    behind = [f"{off[k]:.0f} → {on[k]:.0f} KiB" for k in range(3)]
    return [Row(f"host memory, one record: {names[k]}", on[k] - off[k], "KiB", 1024 if k != 1 else None, behind[k]) for k in (0, 2)]


def relay_cpu(distribution, programs, per_second=50_000, seconds=6):
    with scene(distribution, programs, OTEL_BSP_SCHEDULE_DELAY="5000") as here:
        before = here.relay.cpu_nanoseconds()
        made, elapsed = here.calls("rate", "perform", per_second, seconds)
        # What is still to be exported belongs to the cost: the host has ended, so it is exported at once.
        time.sleep(1)
        used = here.relay.cpu_nanoseconds() - before
        peak = here.relay.peak_memory_kib()
        here.stop()
        arrived = here.collector.spans
    if arrived < made * 0.999:
        raise Unmeasured(f"{arrived} of {made:.0f} spans arrived: the relay did not do the whole work.")
    behind = f"{used / 1e9:.2f} s for {arrived} spans in {here.collector.requests} requests, {here.collector.bytes / arrived:.0f} bytes each"
    return [
        Row("relay CPU per span", used / arrived / 1000, "µs", 3, behind),
        Row("relay memory meanwhile", peak / 1024, "MiB", None, f"{made / elapsed * 1e9:.0f} spans/s for {seconds} s"),
    ]


def relay_instructions(distribution, programs, per_second=2_000, short=2, long=12):
    """The export included: the difference of two run lengths under callgrind, in seconds.

    As many requests of a real libcurl as a relay that runs fifty times as slowly can keep up with. callgrind counts each byte of a `rep movsb`,
    which the processor does not: libc is told not to copy that way."""
    counts = []
    for seconds in (short, long):
        with scene(distribution, programs, relay=False, OTEL_BSP_MAX_QUEUE_SIZE="100000", OTEL_BSP_SCHEDULE_DELAY="1000") as here:
            log = here.directory / "callgrind"
            here.start_relay(counting(log), GLIBC_TUNABLES="glibc.cpu.x86_rep_movsb_threshold=1000000000")
            made, _ = here.calls("rate", "perform", per_second, seconds, fake=False, BENCH_URL=f"{here.collector.url}/some/path?with=query")
            here.finish(made)
            counts.append((counted(log), made))
    (first, few), (second, many) = counts
    behind = f"{many - few:.0f} spans of libcurl, {per_second} in a second, by callgrind"
    return [Row("relay: instructions per span", (second - first) / (many - few), "instructions", 3600, behind)]


def relay_without_collector(distribution, programs, per_second=50_000, seconds=30, hosts=10):
    with scene(distribution, programs, OTEL_BSP_SCHEDULE_DELAY="5000") as here:
        here.collector.stop()  # its port stays unused: connections are refused
        command = [here.programs.calls, "rate", "perform", str(per_second // hosts), str(seconds)]
        running = [subprocess.Popen(command, env=here.environment(), stdout=subprocess.PIPE, text=True) for _ in range(hosts)]
        made = sum(numbers(process.communicate()[0])[0] for process in running)
        peak = here.relay.peak_memory_kib()
        used = here.relay.cpu_nanoseconds()
        here.relay.process.kill()
        here.relay.process.wait()
    behind = f"{made:.0f} spans of {hosts} processes in {seconds} s, {used / 1e9:.2f} s of CPU"
    return [Row("relay memory, dead collector", peak / 1024, "MiB", 64, behind)]


def peer(distribution, programs):
    """The same six attributes by hand with opentelemetry-python, in the same run."""
    hand_written = numbers(output([sys.executable, BENCHMARKS / "peer_span.py"]))[0]
    with scene(distribution, programs) as here:
        on, off = here.pair("time", "perform", 20_000)
        here.finish(WARM_UP + 20_000)
    ours = on[0] - off[0]
    behind = f"{hand_written:.0f} ns against {ours:.0f} ns on the calling thread"
    return [Row("hand-written opentelemetry-python span ÷ ours", hand_written / ours, "×", None, behind)]


REQUESTS = 2000
OF_PEER_WARM_UP = 50  # of peer_requests.py


def by_hand_against_ours(by_hand, client, relay):
    behind = "the same program, server and collector, in one run; below 0 the client's share is noise, and counts as 0"
    return Row("the same ÷ the agent and its relay", by_hand / (max(client, 0) + relay), "×", None, behind)


def peer_requests(distribution, programs, rounds=5):
    """The same requests made by a Python program with pycurl, whose spans are made by the agent, by hand, or not at all; and the requests
    library, whose spans opentelemetry-instrument makes. CPU of the whole process, export included; of ours also that of the relay."""
    script = [BENCHMARKS / "peer_requests.py"]
    python = [sys.executable]
    zero_code = [Path(sys.executable).parent / "opentelemetry-instrument", "--metrics_exporter", "none", "--logs_exporter", "none", sys.executable]
    per_run = REQUESTS + OF_PEER_WARM_UP
    # The interpreter, the mode, whether the agent is there: interleaved, and of each the median.
    ways = {
        "plain": (python, "plain", False),
        "agent": (python, "plain", True),
        "by hand": (python, "by-hand", False),
        "requests": (python, "requests", False),
        "zero-code": (zero_code, "requests", False),
    }
    cost = {way: [] for way in ways}
    # opentelemetry-distro's own default is grpc.
    with scene(distribution, programs, OTEL_BSP_SCHEDULE_DELAY="5000", OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf") as here:
        url = f"{here.collector.url}/some/path?with=query"
        before = here.relay.cpu_nanoseconds()
        for _ in range(rounds):
            for way, (interpreter, mode, agent) in ways.items():
                environment = here.environment(agent=agent, fake=False)
                cost[way].append(numbers(output([*interpreter, *script, mode, url, REQUESTS], environment))[0])
        # The relay exports the spans of a process that ended at once.
        time.sleep(1)
        relay = (here.relay.cpu_nanoseconds() - before) / (rounds * per_run) / 1000
        # All that trace: the agent, by hand, zero-code.
        here.finish(3 * rounds * per_run)
    median = {way: statistics.median(values) for way, values in cost.items()}
    ours, by_hand, zero_code = (median[a] - median[b] for a, b in (("agent", "plain"), ("by hand", "plain"), ("zero-code", "requests")))
    return [
        Row("GET by pycurl, the agent: client", ours, "µs CPU", None, f"{median['plain']:.0f} → {median['agent']:.0f} µs"),
        Row("GET by pycurl, the agent: relay", relay, "µs CPU", None, "the export, in the other process"),
        Row("GET by pycurl, opentelemetry-python by hand", by_hand, "µs CPU", None, f"{median['plain']:.0f} → {median['by hand']:.0f} µs, export included"),
        by_hand_against_ours(by_hand, ours, relay),
        Row("GET by requests, opentelemetry-instrument", zero_code, "µs CPU", None, f"{median['requests']:.0f} → {median['zero-code']:.0f} µs, export included"),
    ]


def peer_cpp(distribution, programs, rounds=15, requests=10_000):
    """The same by a C++ program, whose spans are made by the agent, or by hand with opentelemetry-cpp as installed under $OTEL_CPP_PREFIX."""
    program = programs.build_cpp_peer(Path(os.environ["OTEL_CPP_PREFIX"]))
    per_run = requests + 200  # its warm-up
    ways = {"plain": ("plain", False), "agent": ("plain", True), "by hand": ("by-hand", False)}
    cost = {way: [] for way in ways}
    with scene(distribution, programs, OTEL_BSP_MAX_QUEUE_SIZE="100000") as here:
        url = f"{here.collector.url}/some/path?with=query"
        before = here.relay.cpu_nanoseconds()
        for _ in range(rounds):
            for way, (mode, agent) in ways.items():
                command = [program, mode, url, requests, here.collector.url]
                cost[way].append(numbers(output(command, here.environment(agent=agent, fake=False)))[0])
        time.sleep(1)
        relay = (here.relay.cpu_nanoseconds() - before) / (rounds * per_run) / 1000
        here.finish(2 * rounds * per_run)
    median = {way: statistics.median(values) for way, values in cost.items()}
    ours, by_hand = (median[way] - median["plain"] for way in ("agent", "by hand"))
    return [
        Row("GET in C++, the agent: client", ours, "µs CPU", None, f"{median['plain']:.1f} → {median['agent']:.1f} µs; the relay {relay:.1f} µs more"),
        Row("GET in C++, opentelemetry-cpp by hand", by_hand, "µs CPU", None, f"{median['plain']:.1f} → {median['by hand']:.1f} µs, export included"),
        by_hand_against_ours(by_hand, ours, relay),
    ]


ALL = [
    start, first_record, span, connect_span, unsampled, unsampled_by_callgrind, no_interest, switched_off, curl_request, parallel_instructions, throughput, host_memory, relay_cpu, relay_instructions,
    relay_without_collector, peer, peer_requests,
]
if "OTEL_CPP_PREFIX" in os.environ:
    ALL.append(peer_cpp)
