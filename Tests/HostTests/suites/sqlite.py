"""SQLite's own tests: of its shell, which is Debian's, and of what the library does with files, locks, threads and processes."""

import re

from .suite import Suite, make, run_to_end, source, source_version

# Patterns of the files of a part. Those of the shell run Debian's sqlite3; the others a Tcl with SQLite in it, which starts more of itself.
PARTS = {
    "shell": ("shell[1-8]",),
    "locks": ("lock", "lock[2-7]", "rowallock", "sharedlock", "shmlock", "superlock", "exclusive*", "busy*", "nolock"),
    "write-ahead log": ("wal", "wal[2-9]", "walmode", "walpersist", "walprotocol", "walro", "walshared", "walcrash", "walthread"),
    "crashes": ("crash", "crash[2-8]", "journal[1-3]", "io", "ioerr"),
    "threads": ("thread[12]", "thread00[1-5]", "shared*", "tempdb*"),
    "files": ("attach*", "backup*", "bigfile", "blob", "mmap[1-4]", "pager1", "symlink", "oserror", "tempfault", "vtab1", "fts3aa", "fts3ab", "json101"),
}


class SQLite(Suite):
    name = "sqlite"
    origin = "The tests of the source of Debian's sqlite3, with the shell that is installed, and the library in a Tcl of its own"

    def prepare(self):
        self.folder = source("sqlite3")
        self.build = self.folder / "built"
        if not (self.build / "testfixture").exists():
            self.build.mkdir(exist_ok=True)
            make("../configure", "--enable-all", "CFLAGS=-O1", folder=self.build)
            make("make", "-j2", "testfixture", folder=self.build)

    def version(self):
        return source_version("sqlite3")

    def parts(self):
        return {name: True for name in PARTS}

    def run(self, part, tests, environment, folder):
        files = [file for pattern in PARTS[part] for file in sorted((self.folder / "test").glob(f"{pattern}.test"))]
        # Tests of a file build on each other: of those that differ, the files.
        wanted = {test.split()[0] for test in tests or ()}
        verdicts = {}
        for file in files:
            if tests and file.name not in wanted:
                continue
            world = folder / file.stem
            world.mkdir()
            # Where tests look for the shell.
            (world / "sqlite3").symlink_to("/usr/bin/sqlite3")
            status, said = run_to_end([self.build / "testfixture", file], environment, world, 600)
            # "! name expected:" tells of a failure behind the name, which has no verdict of its own on its line then.
            failed = set(re.findall(r"^! (\S+) (?:expected|got):?", said, re.M))
            for name in re.findall(r"^(\S+)\.\.\.", said, re.M):
                verdicts[f"{file.name} {name}"] = "fail" if name in failed else "pass"
            verdicts[f"{file.name} as a whole"] = f"exit {status}"
        return verdicts
