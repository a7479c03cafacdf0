"""redis' own tests of its clients and of its connections: its server, redis-cli and redis-benchmark of Debian, driven by Tcl."""

import collections
import re
import shutil
from pathlib import Path

from .suite import Suite, run_to_end, source, source_version

PARTS = "integration/redis-cli integration/redis-benchmark unit/auth unit/multi unit/pubsub unit/limits unit/protocol unit/quit unit/networking unit/info unit/scripting unit/introspection".split()
WORDS = {"ok": "pass", "err": "fail", "exception": "error", "skip": "skip", "ignore": "skip", "timeout": "timeout"}


class Redis(Suite):
    name = "redis"
    origin = "The tests of the source of Debian's redis, with the programs of redis-tools"

    def prepare(self):
        self.folder = source("redis")
        # The server and the checker are one program, by name.
        for name, program in {"redis-server": "redis-check-rdb", "redis-sentinel": "redis-check-rdb"}.items():
            if not (self.folder / "src" / name).exists():
                shutil.copy(f"/usr/bin/{program}", self.folder / "src" / name)
        for name in ("redis-cli", "redis-benchmark", "redis-check-aof", "redis-check-rdb"):
            if not (self.folder / "src" / name).exists():
                (self.folder / "src" / name).symlink_to(Path("/usr/bin") / name)

    def version(self):
        return source_version("redis")

    def parts(self):
        return {name: True for name in PARTS}

    def run(self, part, tests, environment, folder):
        (folder / "tests").symlink_to(self.folder / "tests")
        # It makes its servers' folders beside itself.
        shutil.copytree(self.folder / "tests", folder / "copy", symlinks=True)
        (folder / "tests").unlink()
        (folder / "copy").rename(folder / "tests")
        (folder / "src").symlink_to(self.folder / "src")
        status, said = run_to_end(["tclsh", "tests/test_helper.tcl", "--clients", "1", "--no-latency", "--single", part], environment, folder, 900)
        said = re.sub(r"\x1b\[[0-9;]*m", "", said)
        verdicts, seen = {}, collections.Counter()
        for word, name in re.findall(r"^\[(ok|err|exception|skip|ignore|timeout)\]: (.*)$", said, re.M):
            name = re.sub(r" \(\d+ ms\)$| in tests/.*", "", name)
            seen[name] += 1
            verdicts[f"{name} {seen[name]}" if seen[name] > 1 else name] = WORDS[word]
        verdicts[f"{part} as a whole"] = f"exit {status}"
        return verdicts
