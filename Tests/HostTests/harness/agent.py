"""The agent as it ships, in a world of its own: private run-time folder, so a private relay."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]


class Layout:
    """Where an installation keeps its three files; `root` is dist/ or a prefix."""

    def __init__(self, root):
        self.root = Path(root)
        self.launcher = self.root / "bin/otel-instrument"
        self.library = self.root / "lib/otelagent/libotelagent.so"
        self.relay = self.root / "lib/otelagent/otel-relay"


DIST = Layout(REPOSITORY / "dist")


def process_ids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def relays_of(runtime_directory, executable=DIST.relay):
    """Process ids of the relays whose XDG_RUNTIME_DIR is `runtime_directory`, in any pid name space below ours."""
    marker = f"XDG_RUNTIME_DIR={runtime_directory}".encode()
    found = []
    for pid in process_ids():
        try:
            if not os.path.samefile(f"/proc/{pid}/exe", executable):
                continue
            if marker in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                found.append(pid)
        except OSError:  # It has gone, or is a kernel thread.
            continue
    return found


def is_alive(pid):
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def wait_until(condition, timeout=20, pause=0.01):
    """Polls until `condition()` is true; returns its last value. For what cannot be waited for otherwise."""
    deadline = time.monotonic() + timeout
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(pause)
    return value


class Agent:
    """Runs programs under the agent. The world is a folder of its own under /tmp, short enough for a socket's path."""

    def __init__(self, endpoint, layout=DIST):
        self.layout = layout
        self.endpoint = endpoint
        self.world = Path(tempfile.mkdtemp(prefix="otel-"))
        self.runtime_directory = self.world / "run"
        self.runtime_directory.mkdir(mode=0o700)

    def bare_environment(self, **more):
        """Without the agent, but with its configuration: the one difference of a twin run shall be LD_PRELOAD."""
        environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.world),
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "XDG_RUNTIME_DIR": str(self.runtime_directory),
            "XDG_STATE_HOME": str(self.world / "state"),
            "OTEL_SERVICE_NAME": "host-test",
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.endpoint,
            "OTEL_BSP_SCHEDULE_DELAY": "50",
        }
        environment.update({name: str(value) for name, value in more.items() if value is not None})
        for name, value in more.items():
            if value is None:
                environment.pop(name, None)
        return environment

    def environment(self, **more):
        preload = more.pop("LD_PRELOAD", None)
        entries = [str(self.layout.library)] + ([preload] if preload else [])
        return self.bare_environment(LD_PRELOAD=":".join(entries), **more)

    def run(self, *command, timeout=60, environment=None, **variables):
        """Runs under LD_PRELOAD to its end."""
        environment = environment or self.environment(**variables)
        return subprocess.run(
            [str(word) for word in command], env=environment, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL
        )

    def run_bare(self, *command, timeout=60, **variables):
        return self.run(*command, timeout=timeout, environment=self.bare_environment(**variables))

    def launch(self, *command, options=(), timeout=60, **variables):
        """Runs under `otel-instrument` to its end."""
        return self.run(self.layout.launcher, *options, *command, timeout=timeout, environment=self.bare_environment(**variables))

    def start(self, *command, environment=None, **popen):
        """Starts under LD_PRELOAD; the caller waits for it."""
        return subprocess.Popen([str(word) for word in command], env=environment or self.environment(), **popen)

    def relays(self):
        if os.geteuid() == 0:
            return relays_of(self.runtime_directory, self.layout.relay)
        # A relay is not dumpable, so its /proc files are root's. It says its own id; a stopped or second one would not be seen.
        found = re.search(r"^otel-relay .*, pid (\d+)", self.relay_status().stdout, re.M)
        return [int(found[1])] if found else []

    def relay(self, timeout=10):
        """The one relay of this world, as soon as it is there."""
        found = wait_until(self.relays, timeout)
        assert len(found) == 1, f"expected one relay, found {found}"
        return found[0]

    def relay_status(self, *options, **variables):
        return self.run(self.layout.relay, "status", *options, environment=self.bare_environment(**variables))

    def relay_report(self):
        """What the relay says of itself, for programs; None while there is none, or it has no time to answer."""
        done = self.relay_status("--json")
        return json.loads(done.stdout) if done.returncode == 0 else None

    def start_relay(self):
        """A relay before any host: the launcher starts one."""
        assert self.launch("true").returncode == 0
        return self.relay()

    def close(self):
        """Ends the relay, by its id, and removes the world."""
        for pid in self.relays():
            for number in (signal.SIGCONT, signal.SIGTERM):
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
            if not wait_until(lambda pid=pid: not is_alive(pid), timeout=8):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.world, ignore_errors=True)

    def log(self):
        """The relay's own log, for the message of a failing test."""
        files = sorted(self.world.glob("state/otelagent/*"))
        return "\n".join(file.read_text(errors="replace") for file in files)
