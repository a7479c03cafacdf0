"""What is executed gets the environment that its program chose, to the byte; and nothing is said that would not be said without us."""

import os
import shutil
import subprocess

import pytest

from harness import programs
from harness.twin import twin

# Whatever starts programs. Each executes "$@", the last word of its command line being where the program begins.
STARTERS = {
    "sh": ["sh", "-c", 'exec "$@"', "sh"],
    "bash": ["bash", "-c", '"$@"; exit $?', "bash"],
    "env": ["env"],
    "env with more": ["env", "ADDED=1", "HTTP_OTEL_SERVICE_NAME=no"],
    "python": ["/usr/bin/python3", "-c", "import os, sys; os.execvp(sys.argv[1], sys.argv[1:])"],
    "subprocess": ["/usr/bin/python3", "-c", "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"],
    "perl": ["perl", "-e", "exec { $ARGV[0] } @ARGV"],
    "nohup": ["nohup"],
    "setsid": ["setsid", "-w"],
    "timeout": ["timeout", "60"],
    "xargs": ["xargs", "-a", "/dev/null"],
    "setenv": ["/usr/bin/python3", "-c", "import os, sys; os.environ['SET'] = '1'; del os.environ['HOME']; os.execvp(sys.argv[1], sys.argv[1:])"],
}


def blocks(file):
    """The environments in `file`, as bytes."""
    found, rest = [], file.read_bytes()
    while rest:
        head, _, rest = rest.partition(b" variables\n")
        count, variables = int(head), []
        for _ in range(count):
            variable, _, rest = rest.partition(b"\0")
            variables.append(variable)
        assert rest[:1] == b"\n"
        rest = rest[1:]
        found.append(variables)
    file.unlink()
    return found


def environments(agent, tmp_path, command, **variables):
    """What `command` hands on, as two runs say: without the agent, where a LD_PRELOAD of another library is set, and with. The second has
    the agent's entry beside it, as it was set, and no other difference."""
    other = programs.library("next.so")
    file = tmp_path / "environments"
    bare_preload, preload = str(other), f"{agent.layout.library}:{other}"
    outcomes = []
    for value in (bare_preload, preload):
        environment = agent.bare_environment(LD_PRELOAD=value, **variables)
        done = agent.run(*command, environment=environment)
        outcomes.append((done.returncode, done.stdout, done.stderr, blocks(file)))
    bare, traced = outcomes
    replaced = [[variable.replace(preload.encode(), bare_preload.encode()) for variable in block] for block in traced[3]]
    assert (*traced[:3], replaced) == bare
    assert any(f"LD_PRELOAD={preload}".encode() in block for block in traced[3])
    return traced[3]


@pytest.mark.parametrize("name", STARTERS)
def test_environment_of_what_is_executed(agent, acceptor, tmp_path, name):
    # The first dials, so that whatever the agent does at a first record has been done before the second is executed.
    program, file = programs.build("environment"), tmp_path / "environments"
    given = environments(agent, tmp_path, [program, file, *STARTERS[name], program, file], TOUCH_PORT=acceptor)
    assert len(given) == 2


def test_100_programs_one_after_the_other(agent, receiver, acceptor, tmp_path):
    program, file = programs.build("environment"), tmp_path / "environments"
    links = [program, file] * 100
    given = environments(agent, tmp_path, links, TOUCH_PORT=acceptor)
    assert len(given) == 100 and all(block == given[0] for block in given)
    # Each of them recorded, in one process.
    spans = receiver.wait(100)
    assert len({span.span_id for span in spans}) == len(spans) == 100
    assert len({span.resource["process.pid"] for span in spans}) == 1
    assert len({span.resource["service.instance.id"] for span in spans}) == 100


@pytest.mark.parametrize("way", ["fexecve", "without preload"])
def test_other_ways_to_execute(agent, receiver, acceptor, tmp_path, way):
    program, file = programs.build("environment"), tmp_path / "environments"
    first, second = environments(agent, tmp_path, [program, file, program, file], TOUCH_PORT=acceptor, WAY=way)
    if way == "without preload":
        # What the program leaves out stays out: its child is not traced.
        assert second == [b"ONLY=this"]
        assert len(receiver.wait(1)) == 1
    else:
        assert second == first
        assert len(receiver.wait(2)) == 2


def test_an_empty_environment(agent, tmp_path):
    program, file = programs.build("environment"), tmp_path / "environments"
    _, given = environments(agent, tmp_path, [program, file, "env", "-i", program, file])
    assert given == []


@pytest.mark.parametrize("size", ["a mebibyte", "all that fits"])
def test_a_large_environment(agent, receiver, acceptor, tmp_path, size):
    """execve(2), "Limits on size of arguments and environment": a quarter of the stack's limit in all, 128 KiB a string."""
    program, file = programs.build("environment"), tmp_path / "environments"
    limit = 1 << 20 if size == "a mebibyte" else os.sysconf("SC_ARG_MAX") - 16384
    value = "x" * 100_000
    variables = {f"LARGE_{number}": value for number in range(limit // (len(value) + 20))}
    first, second = environments(agent, tmp_path, [program, file, program, file], TOUCH_PORT=acceptor, **variables)
    assert first == second and len(first) > 10
    assert len(receiver.wait(2)) == 2


def test_more_settings_than_the_agent_keeps(agent, receiver, acceptor):
    """OTEL_* of a mebibyte: what does not fit is left out, and the program runs."""
    variables = {f"OTEL_UNKNOWN_{number}": "x" * 1000 for number in range(1000)}
    done = twin(agent, programs.build("dialer"), acceptor, 1, TOUCH_PORT=acceptor, **variables)
    assert done.status == 0


def test_names_that_only_look_like_ours(agent, receiver, acceptor):
    """A web server gives CGI programs the header Otel-Native-Disabled as HTTP_OTEL_NATIVE_DISABLED: it is no setting."""
    variables = {
        "HTTP_OTEL_NATIVE_DISABLED": "true", "HTTP_OTEL_SERVICE_NAME": "attacker", "XOTEL_SDK_DISABLED": "true", "otel_sdk_disabled": "true",
        "HTTP_OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLEDX": "true",
    }  # fmt: skip
    assert agent.run(programs.build("dialer"), acceptor, 1, **variables).returncode == 0
    (span,) = receiver.wait(1)
    assert span.service == "host-test"


# MARK: What cannot be traced, executed by what is


def script(folder):
    file = folder / "script"
    file.write_text("#!/bin/sh\necho script\nexit 5\n")
    file.chmod(0o755)
    return file


def privileged(folder):
    """Another user's, set-user-id: ld.so ignores LD_PRELOAD entries with a path in it, silently."""
    file = folder / "privileged"
    shutil.copy(programs.build("true"), file)
    os.chown(file, 65534, 65534)
    file.chmod(0o4755)
    return file


def musl(folder, *flags):
    """Of another libc: its loader takes LD_PRELOAD as well, and binds connect and fork to us."""
    file = folder / "musl"
    subprocess.run(["musl-gcc", *flags, "-o", file, programs.SOURCES / "foreign.c"], check=True)
    return lambda acceptor: f"{file} {acceptor}"


FOREIGN = {
    "static": lambda folder: programs.build("static-true", programs.SOURCES / "true.c", flags=["-static"]),
    "static-pie": lambda folder: programs.build("static-pie-true", programs.SOURCES / "true.c", flags=["-static-pie"]),
    "musl, static": lambda folder: musl(folder, "-static"),
    "musl": musl,
    "script": script,
    "set-user-id": privileged,
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_untraceable_programs_inside_of_a_traced_one(agent, receiver, acceptor, tmp_path, kind):
    if kind == "set-user-id" and os.geteuid() != 0:
        pytest.skip("needs root: to give a program away")
    tmp_path.chmod(0o755)
    foreign = FOREIGN[kind](tmp_path)
    shell = f"{programs.build('dialer')} {acceptor} 1; {foreign(acceptor) if callable(foreign) else foreign}; echo $?"
    bare = agent.run_bare("sh", "-c", shell)
    for traced in (agent.run("sh", "-c", shell), agent.launch("sh", "-c", shell)):
        assert (traced.returncode, traced.stdout, traced.stderr) == (bare.returncode, bare.stdout, bare.stderr)
    assert len(receiver.wait(2)) == 2
