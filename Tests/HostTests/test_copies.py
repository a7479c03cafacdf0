"""The agent more than once in a process: one set of spans, whichever way it came in, and no LD_PRELOAD that grows from child to child."""

import os
import shutil

import pytest

from harness import programs
from harness.agent import DIST
from harness.twin import outcome

PYTHON = "/usr/bin/python3"


@pytest.fixture
def files(tmp_path):
    """The agent, two links to it, and three copies."""
    link = tmp_path / "link.so"
    link.symlink_to(DIST.library)
    folder = tmp_path / "folder"
    folder.symlink_to(DIST.library.parent)
    copies = {f"copy{number}": shutil.copy(DIST.library, tmp_path / f"copy{number}.so") for number in range(3)}
    return {"agent": DIST.library, "link": link, "folder": folder / DIST.library.name, **copies}


def commands(web):
    return [
        ["curl", "-sS", f"{web.url}/curl"],
        [PYTHON, programs.SOURCES / "ctypes_client.py", f"{web.url}/ctypes", "libcurl-gnutls.so.4"],
        [programs.build("dialer"), web.port, 1],
    ]


def assert_once(agent, receiver, web, run):
    """Each command as without any agent; a span for each, of both instrumentations, and one traceparent."""
    for command in commands(web):
        assert outcome(run(*command), agent) == outcome(agent.run_bare(*command), agent)
    spans = receiver.wait(3)
    assert sorted(span.scope.rpartition(".")[2] for span in spans) == ["curl", "curl", "sockets"]
    # Two traceparents in one request would be an error of `traceparent` itself.
    carried = {request.traceparent[36:52] for request in web.requests if request.traceparent}
    assert carried == {span.span_id for span in spans if span.scope.endswith("curl")}


@pytest.mark.parametrize(
    "preload",
    [
        "{agent}:{agent}",
        "{agent}:{copy0}",
        "{copy0}:{agent}",
        "{agent}:{link}",
        "{link}:{folder}:{agent}",
        "{copy0}:{copy1}:{copy2}",
        "{agent}:{copy0}:{agent} {copy1}",
    ],
)
def test_in_one_list(agent, receiver, web, files, preload):
    agent.start_relay()
    environment = agent.bare_environment(LD_PRELOAD=preload.format(**files))
    assert_once(agent, receiver, web, lambda *command: agent.run(*command, environment=environment))


@pytest.mark.parametrize("preload", [None, "agent", "link", "copy0"])
def test_by_launchers_in_launchers(agent, receiver, web, files, preload):
    environment = agent.bare_environment(LD_PRELOAD=files[preload] if preload else None)
    launchers = [DIST.launcher, DIST.launcher, DIST.launcher]
    assert_once(agent, receiver, web, lambda *command: agent.run(*launchers, *command, environment=environment))


@pytest.mark.parametrize("preload", [None, "agent", "link", "copy0"])
def test_the_list_does_not_grow(agent, files, preload):
    """What the tenth launcher hands on is what the first did; and an entry of somebody else's stays where it was."""
    other = programs.library("next.so")
    entries = [str(files[preload])] if preload else []
    environment = agent.bare_environment(LD_PRELOAD=":".join([*entries, str(other)]))
    seen = []
    for depth in (1, 2, 10):
        words = [DIST.launcher] * depth + ["sh", "-c", 'echo "$LD_PRELOAD"; exec sh -c "echo \\"\\$LD_PRELOAD\\""']
        done = agent.run(*words, environment=environment)
        assert done.returncode == 0, done.stderr
        lines = [line for line in done.stdout.splitlines() if "/" in line]
        assert len(lines) == 2 and lines[0] == lines[1]
        seen.append(lines[0])
    assert len(set(seen)) == 1, seen
    listed = seen[0].split(":")
    assert listed.count(str(other)) == 1
    assert [os.path.realpath(entry) for entry in listed].count(str(DIST.library)) == 1
    assert len(listed) <= len(entries) + 2
