"""Root file systems of Debian, made once and kept; and one of them as a machine of its own, thrown away at the end."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from .agent import REPOSITORY

MIRROR = "http://deb.debian.org/debian"


def root(release):
    """A minimal `release` with curl, and so with what the relay needs of Debian."""
    folder = REPOSITORY / f".build-debian/{release}"
    if not (folder / "usr/bin/curl").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(exist_ok=True)
        command = ["mmdebstrap", "--quiet", "--variant=apt", "--include=curl", release, folder, MIRROR]
        # Other users of /tmp may be about to clean it.
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | {"TMPDIR": str(folder.parent)})
        if done.returncode != 0:
            shutil.rmtree(folder, ignore_errors=True)
            raise OSError(f"no {release} to be had from {MIRROR}:\n{done.stdout[-2000:]}")
    return folder


def libraries_of(release, name, into):
    """Makes `into` a folder of links to library `name` of `release`, and to what that needs and this system does not have: for
    LD_LIBRARY_PATH. Returns the library."""
    folder = root(release) / "usr/lib/x86_64-linux-gnu"
    into.mkdir(parents=True, exist_ok=True)
    todo, done = [name], set()
    while todo:
        soname = todo.pop()
        file = folder / soname
        if soname in done or (soname != name and Path("/usr/lib/x86_64-linux-gnu", soname).exists()) or not file.exists():
            continue
        done.add(soname)
        if not (into / soname).exists():
            (into / soname).symlink_to(file)
        dynamic = subprocess.run(["readelf", "--dynamic", file], check=True, capture_output=True, text=True).stdout
        todo += re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)
    return into / name


# What is written goes to a tmpfs that only this name space sees. `go` waits until the test says so.
PROLOGUE = """
set -eu
lower=$1 top=$2
shift 2
mount -t tmpfs none "$top"
mkdir "$top/upper" "$top/work" "$top/root"
mount -t overlay none -o "lowerdir=$lower,upperdir=$top/upper,workdir=$top/work" "$top/root"
mount -t proc none "$top/root/proc"
mount --bind /dev "$top/root/dev"
root=$top/root
inside() { chroot "$root" "$@"; }
as_nobody() { chroot --userspec=65534:65534 "$root" "$@"; }
go() { echo "$1"; read -r _; }
"""


class Machine:
    """Runs a shell script with `$root`, `inside`, `as_nobody` and `go`, as process 1 of its own pid and mount name space."""

    def __init__(self, release, script, *arguments, environment):
        self._top = tempfile.mkdtemp(prefix="otel-")
        self._process = subprocess.Popen(
            ["unshare", "-mpf", "--kill-child", "--propagation", "private", "sh", "-c", PROLOGUE + script, "sh", release, self._top, *map(str, arguments)],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def __enter__(self):
        return self

    def until(self, word):
        """What it says before it says `word` and waits; to its end for None."""
        said = []
        for line in self._process.stdout:
            if line.rstrip("\n") == word:
                return "".join(said)
            said.append(line)
        assert word is None, f"ended with {self._process.wait()} instead of saying {word!r}:\n" + "".join(said)
        return "".join(said)

    def go(self):
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def end(self):
        said = self.until(None)
        assert self._process.wait() == 0, said
        return said

    def __exit__(self, *_):
        # Its end is the end of all that runs inside.
        self._process.stdin.close()
        self._process.stdout.close()
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.rmdir(self._top)
