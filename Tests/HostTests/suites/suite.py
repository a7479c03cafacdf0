"""What the suites have in common: how one is run, in a folder and with an environment that are given, to its end or not for ever."""

import os
import pwd
import re
import signal
import subprocess
from pathlib import Path

from harness.agent import REPOSITORY

# Sources of Debian packages, and what is built of them.
BUILT = REPOSITORY / ".build-hosts"


class Suite:
    """One foreign suite. A part is what runs at once; `select` makes the CI's choice of it."""

    name = ""
    # Where it comes from, for the report.
    origin = ""
    # The user that it runs as; None: whoever runs us.
    user = None
    # Additional variables, for both runs.
    variables = {}

    def prepare(self):
        """Builds what it needs."""

    def version(self):
        raise NotImplementedError

    def parts(self):
        """Names of parts, each with whether its processes also load touch.so, so that each has a region before main."""
        raise NotImplementedError

    def run(self, part, tests, environment, folder):
        """Verdicts by test id, of the whole part or of `tests`. `folder` is empty, and removed afterwards."""
        raise NotImplementedError


def owner(user):
    """uid and gid to run as, as Popen takes them."""
    if not user or os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def run_to_end(command, environment, folder, timeout, log="output", **popen):
    """Exit status, or "timeout", and what was written: into a file, since a child that stays behind would hold a pipe open."""
    path = Path(folder) / log
    with open(path, "wb") as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            env=environment,
            cwd=popen.pop("cwd", folder),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **popen,
        )
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            status = "timeout"
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
    return status, path.read_text(errors="replace")


def make(*command, folder, environment=None):
    """A step of a build; the end of what it said, if it fails."""
    done = subprocess.run(
        [str(word) for word in command], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))} in {folder} failed:\n{done.stdout[-3000:]}")


def source(package):
    """The unpacked source of a Debian package, with Debian's patches."""
    folder = BUILT / "source" / package
    if not folder.exists():
        make(REPOSITORY / "scripts/source-package", package, folder, folder=REPOSITORY)
    return folder


def source_version(package):
    return re.search(r"\((.*?)\)", (source(package) / "debian/changelog").read_text().splitlines()[0])[1]


def package_version(package):
    return subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True, check=True).stdout


def tap(name, text):
    """Verdicts of the Test Anything Protocol, by file and number."""
    verdicts = {}
    for failed, number, rest in re.findall(r"^(not )?ok (\d+)(.*)$", text, re.M):
        directive = re.search(r"#\s*(skip|todo)", rest, re.I)
        verdict = "fail" if failed else "pass"
        if directive:
            verdict = "skip" if directive[1].lower() == "skip" else f"todo {verdict}"
        verdicts[f"{name} {number}"] = verdict
    if re.search(r"^1\.\.0 *# *skip", text, re.I | re.M):
        verdicts[name] = "skip"
    return verdicts
