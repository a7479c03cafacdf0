"""OTEL_TRACES_EXPORTER=console: one line of JSON on standard error for each span, as OpenTelemetry Python writes it, and never anywhere else."""

import datetime
import fcntl
import json
import os
import re
import shutil
import subprocess

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags, TraceState
from opentelemetry.trace.status import Status, StatusCode

from harness import programs

CONSOLE = {"OTEL_TRACES_EXPORTER": "console"}
PARENT_TRACE, PARENT_SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{PARENT_TRACE}-{PARENT_SPAN}-01"
PIPE_BUF = 4096


def lines(text):
    """The spans in what a program wrote to standard error; nothing else may be there."""
    assert text == "" or text.endswith("\n"), text[-200:]
    return [json.loads(line) for line in text.splitlines()]


def nanoseconds(text):
    time = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.timezone.utc)
    since = time - datetime.datetime.fromtimestamp(0, datetime.timezone.utc)
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1000


def as_python_writes(line, trace_state=""):
    """The same span, written by the real exporter's code."""
    span = json.loads(line)

    def context(trace_id, span_id):
        state = TraceState.from_header([trace_state]) if trace_state else None
        return SpanContext(int(trace_id, 16), int(span_id, 16), False, TraceFlags(1), state)

    status = Status(StatusCode[span["status"]["status_code"]], span["status"].get("description"))
    return (
        ReadableSpan(
            name=span["name"],
            context=context(span["context"]["trace_id"], span["context"]["span_id"]),
            kind=SpanKind[span["kind"].removeprefix("SpanKind.")],
            parent=context(span["context"]["trace_id"], span["parent_id"]) if span["parent_id"] else None,
            start_time=nanoseconds(span["start_time"]),
            end_time=nanoseconds(span["end_time"]),
            status=status,
            attributes=span["attributes"],
            resource=Resource(span["resource"]["attributes"], span["resource"]["schema_url"]),
        ).to_json(indent=None)
        + "\n"
    )


def test_curl(agent, web):
    url = f"{web.url}/päth?color=blue&q=\"%01\""
    bare = agent.run_bare("curl", "-s", url, **CONSOLE)
    done = agent.run("curl", "-s", url, **CONSOLE)
    assert (done.returncode, done.stdout) == (bare.returncode, bare.stdout) == (0, bare.stdout)
    assert done.stderr == as_python_writes(done.stderr)
    (span,) = lines(done.stderr)
    assert (span["name"], span["kind"], span["parent_id"]) == ("GET", "SpanKind.CLIENT", None)
    assert span["status"] == {"status_code": "UNSET"} and span["context"]["trace_state"] == "[]"
    assert span["attributes"]["url.full"] == url and span["attributes"]["server.port"] == web.port
    assert f"00-{span['context']['trace_id'][2:]}-{span['context']['span_id'][2:]}-03" == web.requests[1].traceparent
    assert agent.relays() == []


@pytest.mark.parametrize("state", ["vendor=value,other=1", "a='b\\c", "a='\"'"])
def test_a_remote_parent_and_an_error(agent, web, state):
    done = agent.run("curl", "-s", f"{web.url}/status/500", TRACEPARENT=PARENT, TRACESTATE=state, **CONSOLE)
    assert done.stderr == as_python_writes(done.stderr, state)
    (span,) = lines(done.stderr)
    assert (span["context"]["trace_id"], span["parent_id"]) == (f"0x{PARENT_TRACE}", f"0x{PARENT_SPAN}")
    assert span["status"] == {"status_code": "ERROR"}


@pytest.mark.parametrize("exporters", ["otlp,console", " console, OTLP ,console"])
def test_both(agent, receiver, acceptor, exporters):
    """The same span twice, and the same resource, as far as a host can tell without opening a file."""
    attributes = "a=1,%61=ü%20%25,host.name=mine,os.type="
    done = agent.run(
        programs.build("dialer"), acceptor, 3, OTEL_TRACES_EXPORTER=exporters, OTEL_SERVICE_NAME='s"1', OTEL_RESOURCE_ATTRIBUTES=attributes
    )
    assert done.returncode == 0
    written = {span["context"]["span_id"][2:]: span for span in lines(done.stderr)}
    received = {span.span_id: span for span in receiver.wait(3)}
    assert written.keys() == received.keys() and len(written) == 3
    for identifier, span in received.items():
        console = written[identifier]
        assert (console["name"], console["attributes"], console["context"]["trace_id"]) == (span.name, span.attributes, f"0x{span.trace_id}")
        assert nanoseconds(console["start_time"]) == span.start // 1000 * 1000 and nanoseconds(console["end_time"]) == span.end // 1000 * 1000
        resource = console["resource"]["attributes"]
        assert {name: span.resource[name] for name in resource} == resource
        assert resource["service.name"] == "s\"1" and resource["a"] == "ü %" and resource["host.name"] == "mine"
        left_to_the_relay = {"process.owner", "host.id", "os.name", "os.version", "os.description"}
        assert span.resource.keys() - resource.keys() <= left_to_the_relay


@pytest.mark.parametrize(
    "variables, name",
    [
        ({"OTEL_SERVICE_NAME": None}, "unknown_service:dialer"),
        ({"OTEL_SERVICE_NAME": None, "OTEL_RESOURCE_ATTRIBUTES": "service.name=sh%6Fp,process.pid=7,service.instance.id=mine"}, "shop"),
        ({"OTEL_SERVICE_NAME": None, "OTEL_RESOURCE_ATTRIBUTES": "service.name=x,broken"}, "unknown_service:dialer"),
        ({"OTEL_SERVICE_NAME": None, "OTEL_RESOURCE_ATTRIBUTES": "service.name=%ff"}, "unknown_service:dialer"),
    ],
)
def test_service_name(agent, receiver, acceptor, variables, name):
    done = agent.run(programs.build("dialer"), acceptor, 1, OTEL_TRACES_EXPORTER="otlp,console", **variables)
    (span,) = lines(done.stderr)
    assert span["resource"]["attributes"]["service.name"] == name
    (received,) = receiver.wait(1)
    resource = span["resource"]["attributes"]
    assert {key: received.resource[key] for key in resource} == resource


def test_other_values(agent, receiver, acceptor):
    dialer = programs.build("dialer")
    for value in ["none", "none,none", "otlp", "", "zipkin"]:
        assert agent.run(dialer, acceptor, 1, OTEL_TRACES_EXPORTER=value).stderr == ""
    for value in ["none,console", "console,zipkin", " Console "]:
        assert len(lines(agent.run(dialer, acceptor, 1, OTEL_TRACES_EXPORTER=value).stderr)) == 1
    # An explicit "no relay" is no reason not to write.
    assert len(lines(agent.run(dialer, acceptor, 1, OTEL_NATIVE_RELAY="off", OTEL_TRACES_EXPORTER="otlp,console").stderr)) == 1
    assert len(receiver.wait(3)) == 3


def test_the_launcher_starts_no_relay(agent, acceptor):
    done = agent.launch(programs.build("dialer"), acceptor, 1, options=["--traces-exporter", "console"])
    assert done.returncode == 0 and len(lines(done.stderr)) == 1
    assert agent.relays() == []


def test_a_root_directory_with_nothing_in_it(agent, acceptor, tmp_path):
    """No /proc, no /run, no relay: a program, its libraries, and the agent."""
    dialer = programs.build("dialer")
    needed = re.findall(r"(/\S+) \(0x", subprocess.run(["ldd", dialer], check=True, capture_output=True, text=True).stdout)
    for file in [str(dialer), str(agent.layout.library), *needed]:
        target = tmp_path / file.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    chroot = ["chroot"] if os.geteuid() == 0 else ["unshare", "-Ur", "chroot"]
    done = agent.run(*chroot, tmp_path, dialer, acceptor, 2, **CONSOLE)
    assert done.returncode == 0, done.stderr
    written = lines(done.stderr)
    assert [span["resource"]["attributes"]["process.executable.name"] for span in written] == ["dialer", "dialer"]


# MARK: What a line may be


def test_a_pipe_gets_lines_that_it_keeps_together(agent, web):
    done = agent.run("curl", "-s", f"{web.url}/?" + 3200 * "v", OTEL_RESOURCE_ATTRIBUTES="k=" + 500 * "r", **CONSOLE)
    assert len(done.stderr) <= PIPE_BUF
    (span,) = lines(done.stderr)
    assert span["attributes"]["url.full"].startswith(f"{web.url}/?vvvv") and span["attributes"]["http.response.status_code"] == 200


def test_a_file_gets_all_of_it(agent, web, tmp_path):
    url = f"{web.url}/?" + 3200 * "v"
    with open(tmp_path / "log", "w") as log:
        environment = agent.environment(OTEL_RESOURCE_ATTRIBUTES="k=" + 500 * "r", **CONSOLE)
        done = subprocess.run(["curl", "-s", url], env=environment, stderr=log, stdout=subprocess.DEVNULL)
    assert done.returncode == 0
    (span,) = lines((tmp_path / "log").read_text())
    assert span["attributes"]["url.full"] == url and span["resource"]["attributes"]["k"] == 500 * "r"


def test_threads_write_whole_lines(agent, acceptor):
    done = agent.run(programs.build("console"), "threads", acceptor, 50, **CONSOLE)
    assert done.returncode == 0
    written = lines(done.stderr)
    assert len({span["context"]["span_id"] for span in written}) == len(written) == 401


def test_a_fork_child_is_another_process(agent, acceptor):
    done = agent.run(programs.build("console"), "fork", acceptor, **CONSOLE)
    assert done.returncode == 0
    parent, child = map(int, done.stdout.split())
    resources = [span["resource"]["attributes"] for span in lines(done.stderr)]
    assert [resource["process.pid"] for resource in resources] == [parent, child, parent]
    instances = [resource["service.instance.id"] for resource in resources]
    assert instances[0] == instances[2] != instances[1]


# MARK: Standard error in trouble


def run(agent, *command, stderr, exporters="console"):
    """Status and standard output of a program with a standard error of its own; both must be as they are without the agent."""
    command = [str(word) for word in command]
    outcomes = []
    for environment in (agent.bare_environment(OTEL_TRACES_EXPORTER=exporters), agent.environment(OTEL_TRACES_EXPORTER=exporters)):
        done = subprocess.run(command, env=environment, stderr=stderr, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=60)
        outcomes.append((done.returncode, done.stdout))
    assert outcomes[0] == outcomes[1]
    return outcomes[1][0]


def test_a_file_in_the_place_of_standard_error_is_left_alone(agent, acceptor, tmp_path):
    database = tmp_path / "database"
    done = agent.run(programs.build("console"), "replaced", acceptor, database, **CONSOLE)
    assert (done.returncode, len(lines(done.stderr))) == (0, 1)
    assert database.read_bytes() == b""


def test_a_closed_standard_error(agent, receiver, acceptor):
    done = agent.run(programs.build("console"), "closed", acceptor, OTEL_TRACES_EXPORTER="otlp,console")
    assert (done.returncode, len(lines(done.stderr))) == (0, 1)
    assert len(receiver.wait(2)) == 2
    # Born without one: the first descriptor that the program makes is number 2.
    script = f'exec "$0" {acceptor} 2 2>&-'
    assert agent.run("sh", "-c", script, programs.build("dialer"), **CONSOLE).returncode == 0


@pytest.mark.parametrize("mode", ["broken", "pending"])
def test_a_pipe_that_nobody_reads(agent, acceptor, mode):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        assert run(agent, programs.build("console"), mode, acceptor, stderr=writer) == 0
    finally:
        os.close(writer)


def filled_pipe():
    """A pipe without room for a byte: its ends, and how much is in it."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    count = 0
    for size in (65536, PIPE_BUF, 1):
        try:
            while True:
                count += os.write(writer, size * b"x")
        except BlockingIOError:
            pass
    return reader, writer, count


def test_a_full_pipe_that_does_not_wait(agent, receiver, acceptor):
    reader, writer, count = filled_pipe()
    try:
        assert run(agent, programs.build("dialer"), acceptor, 3, stderr=writer, exporters="otlp,console") == 0
        os.close(writer)
        writer = -1
        with open(reader, "rb", closefd=False) as rest:
            assert rest.read() == count * b"x"
    finally:
        os.close(reader)
        if writer >= 0:
            os.close(writer)
    assert len(receiver.wait(3)) == 3
    assert "3 not written to the console: standard error was replaced or took no more" in agent.relay_status().stdout


def test_a_full_pipe_does_not_outlast_a_signal(agent, acceptor):
    """As the program's own write would, ours ends with EINTR; nobody ever reads."""
    reader, writer, _ = filled_pipe()
    try:
        os.set_blocking(writer, True)
        assert run(agent, programs.build("console"), "interrupted", acceptor, stderr=writer) == 0
    finally:
        os.close(reader)
        os.close(writer)


def test_a_line_that_was_cut_short_does_not_spoil_the_next(agent, acceptor, tmp_path):
    """SIGXFSZ would have ended the program at its second dial."""
    log = tmp_path / "log"
    with open(log, "wb") as file:
        assert run(agent, programs.build("console"), "cut", acceptor, stderr=file) == 0
    first, second = log.read_text().splitlines()
    assert len(first) == 100
    assert json.loads(second)["name"] == f"socket connect 127.0.0.1:{acceptor}"


def test_a_terminal_that_stops_who_writes_from_the_background(agent, acceptor):
    """`stty tostop`: SIGTTOU would stop the program at its first span."""
    script = f"set -m; stty tostop; {programs.build('dialer')} {acceptor} 1 & wait $!; echo status $?"
    done = agent.run("script", "-qec", f"LD_PRELOAD={agent.layout.library} sh -c '{script}'", "/dev/null", environment=agent.bare_environment(**CONSOLE))
    assert "status 0" in done.stdout, done.stdout
    assert len([line for line in done.stdout.splitlines() if line.startswith("{") and json.loads(line)]) == 1


def test_nowhere(agent, web):
    bare = agent.run_bare("sh", "-c", f"curl -s {web.url}/ 2>/dev/null", **CONSOLE)
    done = agent.run("sh", "-c", f"curl -s {web.url}/ 2>/dev/null", **CONSOLE)
    assert (done.returncode, done.stdout, done.stderr) == (0, bare.stdout, "")


@pytest.mark.parametrize("when, count", [("after", 100), ("first", 0)])
def test_a_program_that_filters_its_system_calls(agent, acceptor, when, count):
    """After the filter no system call of ours is made any more."""
    done = agent.run(programs.build("seccomp"), when, acceptor, 100, **CONSOLE)
    assert (done.returncode, done.stdout) == (0, "unharmed\n")
    assert len(lines(done.stderr)) == count


@pytest.mark.parametrize("limit", ["-n 4", "-f 0", "-u 1", "-v 200000", "-s 64", "-l 0"])
def test_tight_limits(agent, acceptor, limit):
    command = ["bash", "-c", f'ulimit {limit}; exec "$@"', "bash", programs.build("dialer"), acceptor, 20]
    bare, traced = agent.run_bare(*command), agent.run(*command, **CONSOLE)
    assert (traced.returncode, traced.stdout) == (bare.returncode, bare.stdout)
    assert len(lines(traced.stderr)) == 20


def test_a_shared_open_file_keeps_what_others_wrote(agent, acceptor, tmp_path):
    """Like any write to descriptor 2: at the offset that all who inherited it share."""
    log = tmp_path / "log"
    dialer = programs.build("dialer")
    script = f'echo before >&2; "$0" {acceptor} 1; echo after >&2'
    with open(log, "wb") as file:
        assert subprocess.run(["sh", "-c", script, dialer], env=agent.environment(**CONSOLE), stderr=file).returncode == 0
    before, span, after = log.read_text().splitlines()
    assert (before, after) == ("before", "after") and json.loads(span)["name"].startswith("socket connect")


def test_standard_output_as_standard_error(agent, acceptor):
    """2>&1 is the user's wish; O_NONBLOCK set on one is set on both, and still nothing is lost but what does not fit."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETFL, fcntl.fcntl(writer, fcntl.F_GETFL) | os.O_NONBLOCK)
    done = subprocess.run([programs.build("dialer"), str(acceptor), "5"], env=agent.environment(**CONSOLE), stdout=writer, stderr=writer)
    os.close(writer)
    with open(reader) as text:
        assert (done.returncode, len(lines(text.read()))) == (0, 5)
