import signal
import socket

import pytest

pytest.register_assert_rewrite("harness")

from harness import programs
from harness.agent import DIST, Agent
from harness.receiver import Receiver
from harness.ways import fault_sites
from harness.webserver import WebServer


# Started in the background, or by nohup, these are ignored; every program that the tests start would inherit that, and no shell can
# trap a signal that it was born ignoring.
for ignored in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
    if signal.getsignal(ignored) == signal.SIG_IGN:
        signal.signal(ignored, signal.SIG_DFL)

# No test takes half of it, on a busy machine either.
LONGEST_SECONDS = 180


@pytest.fixture(autouse=True)
def no_test_hangs(request):
    """A test that waits for what never comes fails, and does not hang the run."""
    marker = request.node.get_closest_marker("longest_seconds")
    longest = marker.args[0] if marker else LONGEST_SECONDS

    def give_up(*_):
        raise TimeoutError(f"the test did not end within {longest} s")

    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(longest)
    yield
    signal.alarm(0)


@pytest.fixture(scope="session", autouse=True)
def shipped():
    """The tests are about what ships."""
    for file in (DIST.launcher, DIST.library, DIST.relay):
        if not file.exists():
            pytest.exit(f"{file} is not there; run `make` first", returncode=2)
    return DIST


@pytest.fixture(scope="session")
def sites():
    """Names of all steps of the agent that can fail. Builds the agent in which they can be made to, when it is older than its sources."""
    return fault_sites()


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
def busy_listener():
    """Its queue is full, and nobody accepts: a connect to it waits, until a test accepts what is in the queue."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for early in waiting:
            early.setblocking(False)
            early.connect_ex(listener.getsockname())
        yield listener
        for early in waiting:
            early.close()


@pytest.fixture
def busy_port(busy_listener):
    return busy_listener.getsockname()[1]


@pytest.fixture
def acceptor():
    """A port that accepts and closes, as fast as C can; yields its number."""
    with programs.serving("acceptor") as port:
        yield int(port)
