"""Ways in which one program runs under the agent, and the build in which each step of the agent can be made to fail."""

import errno
import re
import socket
import subprocess
import time

from . import programs
from .agent import DIST, REPOSITORY, Agent, Layout
from .twin import Outcome, normalised

FAULTY = Layout(REPOSITORY / ".build-faults/agent")


def sources():
    folders = ("Sources", "CShims", "Package.swift", "scripts/build-faults")
    return [file for folder in folders for file in [REPOSITORY / folder, *(REPOSITORY / folder).rglob("*")] if file.is_file()]


def fault_sites():
    """Names of all steps in the build, which is made when it is older than its sources."""
    if not FAULTY.library.exists() or FAULTY.library.stat().st_mtime < max(file.stat().st_mtime for file in sources()):
        done = subprocess.run([REPOSITORY / "scripts/build-faults"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    found = re.findall(rb"fault: ([^\0]+)\0", FAULTY.library.read_bytes())
    return sorted({name.decode() for name in found})


def forgive_short_identities(agent, receiver):
    """Ends the relay. A region is of use without a name of the host, or the process's id; all else in what arrived has to be right."""
    agent.close()
    receiver.problems = [problem for problem in receiver.problems if not problem.startswith("the resource lacks")]


class Way:
    """One way for a program to run under the agent; `variables` change the environment of both twins."""

    def __init__(self, world, web, acceptor, number):
        self.world, self.web, self.acceptor, self.number = world, web, acceptor, number
        self.report = world.world / f"report-{number}"

    variables = {}
    comparesErrors = True

    def command(self):
        return [programs.build("faulted", libraries=["-lcurl"]), self.acceptor, self.web.url]

    def prepare(self):
        """Before each of the two runs."""

    def run(self, under_agent, site=None, error=errno.EPERM):
        self.prepare()
        variables = dict(self.variables)
        if under_agent:
            self.report.write_text("")
            variables |= {"LD_PRELOAD": FAULTY.library, "OTEL_FAULT_REPORT": self.report, "OTEL_FAULT_SITE": site, "OTEL_FAULT_ERRNO": error}
        done = self.world.run(*self.command(), environment=self.world.bare_environment(**variables), timeout=40)
        stderr = normalised(done.stderr, self.world) if self.comparesErrors else ""
        return Outcome(done.returncode, normalised(done.stdout, self.world), stderr)

    def reached(self):
        return {line[8:] for line in self.report.read_text().splitlines()}

    def failed(self):
        return {line[8:] for line in self.report.read_text().splitlines() if line.startswith("failed ")}


class RelayFound(Way):
    """A relay is there. Who cannot come to it looks for an abstract name, which is each run's own by its mount name space. libcurl is asked for
    headers."""

    variables = {
        "OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_RESPONSE_HEADERS": "content-type",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE": ".*",
    }

    def command(self):
        return ["unshare", "-m", *super().command()]


class Untraced(Way):
    """libcurl is not traced, and loaded later."""

    variables = {"OTEL_NATIVE_DISABLED_INSTRUMENTATIONS": "curl"}

    def command(self):
        return ["/usr/bin/python3", programs.SOURCES / "pycurl_client.py", self.web.url]


class Console(Way):
    variables = {"OTEL_TRACES_EXPORTER": "console"}
    comparesErrors = False


class RelayLate(Way):
    """No relay at first: the region is replaced when there is one. The socket's queue is all of a relay that a program sees."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.path = self.world.world / f"relay-{self.number}"
        self.hidden = self.world.world / f"hidden-{self.number}"
        certificate = self.world.world / "certificate"
        certificate.write_text("-----BEGIN CERTIFICATE-----\n")
        self.listener = None
        self.variables = {"OTEL_NATIVE_RELAY": f"unix:{self.path}", "OTEL_EXPORTER_OTLP_CERTIFICATE": certificate}

    def command(self):
        return [*super().command(), self.hidden, self.path]

    def prepare(self):
        if self.listener:
            self.listener.close()
        for file in (self.path, self.hidden):
            file.unlink(missing_ok=True)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(str(self.hidden))
        self.listener.listen(64)


class OwnWorld(Way):
    """Nobody listens: each run is elected, and starts a relay."""

    mode = 0o700

    def prepare(self):
        self.close()
        self.own = Agent(self.world.endpoint, layout=Layout(FAULTY.root))
        self.own.layout.relay = DIST.relay
        self.own.runtime_directory.chmod(self.mode)
        self.variables = {"XDG_RUNTIME_DIR": self.own.runtime_directory, "XDG_STATE_HOME": self.own.world / "state"}

    own = None

    def close(self):
        if self.own:
            self.own.close()


class RelayStarted(OwnWorld):
    pass


class RelayStartedAbstract(OwnWorld):
    """The directory is open to others, so that the name is an abstract one, in a mount name space of its own."""

    mode = 0o755

    def command(self):
        return ["unshare", "-m", *super().command()]


class LeftAlone(OwnWorld):
    """The program has crashed three times in a row."""

    def prepare(self):
        super().prepare()
        folder = self.own.runtime_directory / "otelagent"
        folder.mkdir(mode=0o700)
        now = int(time.time())
        (folder / "crashes").write_text(f"{now + 3600} 3 {now} {self.command()[0]}\n")


class Nobody(OwnWorld):
    """The user whose number those have who have none."""

    def prepare(self):
        super().prepare()
        self.own.world.chmod(0o755)
        self.report.touch()
        self.report.chmod(0o666)
        self.report.parent.chmod(0o755)

    def command(self):
        return ["unshare", "-m", "setpriv", "--reuid", 65534, "--clear-groups", *super().command()]


WAYS = [RelayFound, Untraced, Console, RelayLate, RelayStarted, RelayStartedAbstract, LeftAlone, Nobody]
