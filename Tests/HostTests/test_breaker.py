"""A program that dies again and again with the agent in it is left alone for a while."""

import os
import re
import shutil
import signal
import subprocess

import pytest

from harness import programs
from harness.agent import wait_until

RELEASE = tuple(map(int, re.findall(r"\d+", os.uname().release)[:2]))
pytestmark = pytest.mark.skipif(RELEASE < (6, 15), reason="needs Linux 6.15, which tells how a process ended that is not one's child")


@pytest.fixture
def crashes(agent):
    """The relay's record; with a relay that is there, so that it meets each process alive."""
    agent.start_relay()
    return agent.runtime_directory / "otelagent/crashes"


def counted(record, name):
    """Crashes in a row, and until when it is left alone."""
    try:
        (line,) = [line for line in record.read_text().splitlines() if line.endswith(f"/{name}")]
    except (OSError, ValueError):
        return None
    until, count, *_ = line.split(" ")
    return int(count), int(until) > 0


def die(agent, acceptor, record, number, *, expected, program=None, signal_number=signal.SIGSEGV):
    program = program or programs.build("dies")
    assert agent.run(program, acceptor, int(signal_number)).returncode == -signal_number, number
    assert wait_until(lambda: counted(record, program.name) == expected), (record.exists() and record.read_text(), agent.log())


def test_the_fourth_run_succeeds(agent, acceptor, crashes):
    """By LD_PRELOAD alone, and by the launcher, which says so. Status and log say it too, and how to switch the agent on again."""
    dies = programs.build("dies")
    for number, expected in enumerate([(1, False), (2, False), (0, True)]):
        die(agent, acceptor, crashes, number, expected=expected)
    fourth = agent.run(dies, acceptor, 11)
    assert (fourth.returncode, fourth.stdout, fourth.stderr) == (0, "lives\n", "")
    launched = agent.launch(dies, acceptor, 11)
    assert (launched.returncode, launched.stdout) == (0, "lives\n")
    assert "runs without the agent: it was killed by a signal" in launched.stderr
    sentence = rf"{dies} was killed by a signal within 10 s of its first span 3 times in a row: it runs without the agent until .*rm {crashes}"
    assert re.search(sentence, agent.relay_status().stdout)
    assert re.search(sentence, agent.log())
    # Others are none the worse for it.
    assert agent.launch(programs.build("dialer"), acceptor, 1).stderr == ""
    crashes.unlink()
    assert agent.run(dies, acceptor, 11).returncode == -11
    assert wait_until(lambda: counted(crashes, "dies") == (1, False))


def test_a_run_that_ends_well_in_between_starts_anew(agent, acceptor, crashes, tmp_path):
    dies, switch = programs.build("dies"), tmp_path / "switch"
    die(agent, acceptor, crashes, 1, expected=(1, False), signal_number=signal.SIGABRT)
    die(agent, acceptor, crashes, 2, expected=(2, False), signal_number=signal.SIGBUS)
    assert agent.run(dies, acceptor, 11, switch).stdout == "lives\n"
    assert wait_until(lambda: counted(crashes, "dies") is None)
    die(agent, acceptor, crashes, 3, expected=(1, False))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL, signal.SIGPIPE])
def test_who_is_told_to_end_has_not_crashed(agent, receiver, acceptor, crashes, number):
    for _ in range(4):
        assert agent.run(programs.build("dies"), acceptor, int(number)).returncode == -number
    assert len(receiver.wait(4)) == 4
    assert not crashes.exists()


def test_the_record_of_somebody_else_is_not_read(agent, acceptor, crashes, tmp_path):
    """A link, a folder, nonsense: as if it were not there."""
    dies = programs.build("dies")
    elsewhere = tmp_path / "crashes"
    elsewhere.write_text(f"9999999999 0 9999999999 {dies}\n")
    traps = (lambda: crashes.symlink_to(elsewhere), crashes.mkdir, lambda: crashes.write_text(f"{dies}\n\n 1\n9999999999 0 0\n9999999999 0 0 {dies}x\n9999999999 0 0 {dies}"))
    for number, trap in enumerate(traps, 1):
        trap()
        assert agent.run(dies, acceptor, 11).returncode == -11
        # What comes after must not meet the relay's own record of it: it says so, then writes, then answers.
        assert wait_until(lambda number=number: agent.log().count("was killed by signal 11") == number), agent.log()
        agent.relay_status()
        shutil.rmtree(crashes) if crashes.is_dir() and not crashes.is_symlink() else crashes.unlink(missing_ok=True)
    crashes.write_text(f"9999999999 0 0 {dies}\n")
    assert agent.run(dies, acceptor, 11).returncode == 0
