import subprocess

import pytest

pytest.register_assert_rewrite("harness")

from harness import programs
from harness.agent import DIST, Agent
from harness.receiver import Receiver
from harness.webserver import WebServer


@pytest.fixture(scope="session", autouse=True)
def shipped():
    """The tests are about what ships."""
    for file in (DIST.launcher, DIST.library, DIST.relay):
        if not file.exists():
            pytest.exit(f"{file} is not there; run `make` first", returncode=2)
    return DIST


MEASURED = []


@pytest.fixture
def measured():
    """Takes a sentence with a number that is a finding and not a verdict; all are printed at the end of the run."""
    return MEASURED.append


def pytest_terminal_summary(terminalreporter):
    if MEASURED:
        terminalreporter.section("measured")
        for sentence in MEASURED:
            terminalreporter.write_line(sentence)


@pytest.fixture
def receiver():
    """Whatever arrives has to be right: a test fails for a wrong span that it never looked at."""
    receiver = Receiver()
    yield receiver
    receiver.stop()
    assert not receiver.problems, "the receiver refused:\n" + "\n".join(sorted(set(receiver.problems))[:20])


@pytest.fixture
def web():
    web = WebServer()
    yield web
    web.stop()


@pytest.fixture
def agent(receiver):
    agent = Agent(receiver.url)
    yield agent
    agent.close()


@pytest.fixture
def acceptor():
    """A port that accepts and closes, as fast as C can; yields its number."""
    process = subprocess.Popen([programs.build("acceptor")], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
    yield int(process.stdout.readline())
    process.terminate()
    process.wait()
