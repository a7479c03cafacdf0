"""Programs that become daemons: they close every descriptor, leave their session and their folder, and open files anew."""

import os
import shutil
import subprocess

import pytest

from harness import programs
from harness.agent import wait_until

WAYS = ["by hand", "closefrom", "close_range", "dup2", "daemon(3)"]


def run(environment, way, acceptor, folder):
    """What the daemon wrote; its starter's output is a pipe, whose end is waited for."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    command = [programs.build("daemon"), way, acceptor, folder]
    started = subprocess.run([str(word) for word in command], env=environment, capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
    assert (started.returncode, started.stdout, started.stderr) == (0, b"", b"")
    assert wait_until((folder / "report").exists, 60)
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize("way", WAYS)
def test_a_daemon_finds_its_files_where_it_opened_them(agent, receiver, acceptor, tmp_path, way):
    bare = run(agent.bare_environment(), way, acceptor, tmp_path / "files")
    traced = run(agent.environment(), way, acceptor, tmp_path / "files")
    assert traced == bare
    assert len(bare) == 1001
    # The starter's one, and the daemon's four: of two processes.
    spans = receiver.wait(5)
    assert len({span.span_id for span in spans}) == 5
    assert sorted(len([span for span in spans if span.resource["process.pid"] == pid]) for pid in {span.resource["process.pid"] for span in spans}) == [1, 4]


def test_a_daemons_relay_holds_nothing_of_its_starter(agent, receiver, acceptor, tmp_path):
    """Neither a pipe, whose reader waits for its last writer, nor a folder, which could not be unmounted."""
    if os.geteuid() != 0:
        pytest.skip("needs root: the /proc files of a relay, which is not dumpable, are root's")
    run(agent.environment(), "close_range", acceptor, tmp_path / "files")
    receiver.wait(5)
    relay = agent.relay()
    links = [f"/proc/{relay}/cwd", f"/proc/{relay}/root", *(f"/proc/{relay}/fd/{number}" for number in os.listdir(f"/proc/{relay}/fd"))]
    targets = [os.readlink(link) for link in links]
    assert not [target for target in targets if target.startswith("pipe:") or str(tmp_path) in target], targets
