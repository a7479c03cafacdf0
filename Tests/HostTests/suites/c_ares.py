"""c-ares' own tests: a resolver that connects sockets without waiting, against servers that the tests are themselves."""

import re

from .suite import Suite, make, run_to_end, source, source_version

# Those of the outer world's name servers.
OUTSIDE = "-*Live*"


class CAres(Suite):
    name = "c-ares"
    origin = "The source of Debian's c-ares, `arestest`, but for the tests that ask servers outside"

    def prepare(self):
        self.folder = source("c-ares")
        if not (self.folder / "Makefile").exists():
            make("autoreconf", "-fi", folder=self.folder)
            make("./configure", "--disable-shared", "CFLAGS=-O0", "CXXFLAGS=-O0", folder=self.folder)
        if not (self.folder / "test/arestest").exists():
            make("make", "-j2", folder=self.folder)
            make("make", "-C", "test", "arestest", folder=self.folder)

    def version(self):
        return source_version("c-ares")

    def parts(self):
        return {"arestest": False}

    def run(self, part, tests, environment, folder):
        chosen = ":".join(test for test in tests or () if "/" in test or "." in test) or OUTSIDE
        status, said = run_to_end([self.folder / "test/arestest", f"--gtest_filter={chosen}"], environment, folder, 900)
        words = {"OK": "pass", "FAILED": "fail", "SKIPPED": "skip"}
        verdicts = {name: words[word] for word, name in re.findall(r"^\[ +(OK|FAILED|SKIPPED) +\] (\S+?),? .*ms\)$", said, re.M)}
        return verdicts | {"arestest as a whole": f"exit {status}"}
