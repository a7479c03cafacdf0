"""Eight kinds of program that a fault must not reach: what each runs, given servers to talk to."""

from dataclasses import dataclass

from . import programs

PYTHON = "/usr/bin/python3"  # Debian's: python3-pycurl is for this one


@dataclass(frozen=True)
class Servers:
    web: str  # URL
    git: str  # URL of a repository


HOSTS = {
    "curl": lambda servers: ["curl", "-sS", servers.web],
    "curl, several at once": lambda servers: ["curl", "-sS", "--no-progress-meter", "--parallel", servers.web, servers.web, "-o", "/dev/null", "-o", "/dev/null"],
    "pycurl": lambda servers: [PYTHON, programs.SOURCES / "pycurl_client.py", servers.web],
    "git": lambda servers: ["git", "ls-remote", servers.git],
    "threaded server": lambda servers: [PYTHON, programs.SOURCES / "threaded_server.py"],
    "forking server": lambda servers: [PYTHON, programs.SOURCES / "forking_server.py"],
    "asyncio": lambda servers: [PYTHON, programs.SOURCES / "asyncio_requests.py", servers.web],
    "pipeline": lambda servers: ["sh", "-c", f"seq 1000 | sort -r | head -n 3; curl -sS {servers.web} | sha256sum; exit 3"],
}
