"""What a system can refuse a program: resource limits, control groups, file systems, system calls."""

import os
import resource
import subprocess
from contextlib import contextmanager
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


def limited(agent, command, under_agent, limits=(), **variables):
    """Runs to its end with resource limits, of (resource, soft and hard limit) pairs; returns what can be seen of it."""

    def apply():
        for which, value in limits:
            resource.setrlimit(which, (value, value))

    environment = agent.environment(**variables) if under_agent else agent.bare_environment(**variables)
    done = subprocess.run(
        [str(word) for word in command], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=40, preexec_fn=apply
    )
    return done.returncode, done.stdout, done.stderr


def system_calls():
    """Numbers by name, of this machine's headers."""
    done = subprocess.run(["gcc", "-E", "-dM", "-include", "sys/syscall.h", "-"], input="", capture_output=True, text=True, check=True)
    words = [line.split() for line in done.stdout.splitlines()]
    return {name.removeprefix("__NR_"): int(value) for _, name, value in (word for word in words if len(word) == 3) if name.startswith("__NR_")}


@contextmanager
def control_group(controller, settings):
    """Yields a command prefix that runs a program in a group of its own, or None where this system lets nobody make one."""
    for version, folder in ((1, CGROUPS / controller), (2, CGROUPS)):
        group = folder / f"otel-test-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            for name, value in settings[version].items():
                (group / name).write_text(str(value))
        except OSError:
            group.rmdir()
            continue
        try:
            yield ["sh", "-c", f'echo $$ >{group}/cgroup.procs && exec "$@"', "sh"]
        finally:
            for pid in (group / "cgroup.procs").read_text().split():
                (folder / "cgroup.procs").write_text(pid)
            group.rmdir()
        return
    yield None
