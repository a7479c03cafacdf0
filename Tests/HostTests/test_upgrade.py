"""The agent's files change under running programs: replaced, removed, come back; and the agent is loaded late, or closed."""

import os
import shutil
import signal
import subprocess
import time

import pytest

from harness import programs
from harness.agent import REPOSITORY, Layout, is_alive, wait_until


@pytest.fixture
def installed(agent):
    """The agent, of a prefix of its own."""
    prefix = agent.world / "prefix"
    install(prefix)
    agent.layout = Layout(prefix)
    return agent


def install(prefix):
    subprocess.run([REPOSITORY / "scripts/install", prefix, ""], check=True, capture_output=True)


def dialling(agent, acceptor, name):
    """A program that dials until it is ended."""
    return agent.start(programs.build("dialer"), acceptor, 0, 2000, environment=agent.environment(OTEL_SERVICE_NAME=name))


def assert_goes_on(receiver, process, name):
    seen = len([span for span in receiver.spans if span.service == name])
    assert len(receiver.wait(seen + 100, where=lambda span: span.service == name)) >= seen + 100
    assert process.poll() is None


def end(process):
    process.kill()
    process.wait()


def mapped_agent(process):
    """Inode numbers of the agents that it has in memory."""
    lines = open(f"/proc/{process.pid}/maps").read().splitlines()
    return {int(line.split()[4]) for line in lines if "libotelagent.so" in line}


def test_an_upgrade_is_for_new_programs(installed, receiver, acceptor):
    before = installed.layout.library.stat().st_ino
    # Held open, its number is not given to the new file.
    with installed.layout.library.open("rb") as kept:
        old = dialling(installed, acceptor, "old")
        assert receiver.wait(10)
        contents = kept.read()
        install(installed.layout.root)
        kept.seek(0)
        assert kept.read() == contents, "the installed file was written to"
        after = installed.layout.library.stat().st_ino
        assert before != after
        new = dialling(installed, acceptor, "new")
        assert_goes_on(receiver, new, "new")
        assert_goes_on(receiver, old, "old")
        assert (mapped_agent(old), mapped_agent(new)) == ({before}, {after})
        end(old), end(new)


def test_no_file_is_written_into(installed):
    """Whoever has an installed file in memory, or is being executed from it, keeps what it was."""
    files = [file for file in installed.layout.root.rglob("*") if file.is_file() and not file.is_symlink()]
    kept = [(file, file.open("rb")) for file in files]
    inodes = {file: file.stat().st_ino for file in files}
    install(installed.layout.root)
    assert [file for file in files if file.stat().st_ino == inodes[file]] == []
    for _, stream in kept:
        stream.close()
    assert not list(installed.layout.root.rglob("*.new*"))


def test_a_removed_agent_goes_on_in_running_programs(installed, receiver, acceptor):
    process = dialling(installed, acceptor, "running")
    assert receiver.wait(10)
    shutil.rmtree(installed.layout.root)
    assert_goes_on(receiver, process, "running")
    end(process)


def test_a_removed_relay_ends_nothing(installed, receiver, acceptor):
    """It was killed, and its file is gone: what is recorded waits for the next, which somebody installs."""
    process = dialling(installed, acceptor, "running")
    assert receiver.wait(10)
    relay = installed.relay()
    installed.layout.relay.rename(installed.world / "taken away")
    os.kill(relay, signal.SIGKILL)
    assert wait_until(lambda: not is_alive(relay))
    # Others come and go meanwhile, and see nothing of it.
    done = installed.run(programs.build("dialer"), acceptor, 3)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    # Long enough for its heartbeat to be missed, and for tries to start another.
    deadline = time.monotonic() + 6
    while time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.1)
    (installed.world / "taken away").rename(installed.layout.relay)
    installed.start_relay()
    assert_goes_on(receiver, process, "running")
    end(process)


# MARK: Loaded late, and closed


@pytest.mark.parametrize("way", ["local", "global"])
def test_loaded_late(agent, receiver, acceptor, way):
    """Not by LD_PRELOAD: what the program was bound to it stays bound to, and nothing comes of it, nor at dlclose."""
    command = [programs.build("loads_late"), agent.layout.library, acceptor, way]
    done = agent.run(*command, environment=agent.bare_environment())
    assert (done.returncode, done.stdout, done.stderr) == (0, "closed\n", "")


def test_closed_by_its_program(agent, receiver, acceptor):
    """More often than it was opened: it stays, and records on."""
    done = agent.run(programs.build("loads_late"), agent.layout.library, acceptor, "loaded")
    assert (done.returncode, done.stdout, done.stderr) == (0, "closed\n", "")
    assert len(receiver.wait(6)) == 6
