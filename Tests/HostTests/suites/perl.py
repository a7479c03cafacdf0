"""perl's own tests of what touches the system: of its modules and of the language, with Debian's perl."""

import shutil

from .suite import BUILT, Suite, make, run_to_end, source, source_version, tap

MODULES = "cpan/Socket cpan/IO-Socket-IP cpan/HTTP-Tiny cpan/libnet cpan/IPC-SysV cpan/IPC-Cmd cpan/Sys-Syslog dist/IO dist/Net-Ping dist/threads dist/Thread-Queue dist/Time-HiRes ext/IPC-Open3 ext/POSIX".split()
LANGUAGE = "op/fork.t op/exec.t op/alarm.t op/kill0.t op/die_exit.t op/sselect.t op/sleep.t op/getppid.t op/getpid.t io/dup.t io/pipe.t io/socket.t io/fs.t io/open.t io/print.t io/read.t io/tell.t io/inplace.t".split()


class Perl(Suite):
    name = "perl"
    origin = "The source of Debian's perl: tests of its modules and of the language, with the perl that is installed"
    # Some tests take their hosts in a hash's order, which is another in each process.
    variables = {"PERL_HASH_SEED": "0", "PERL_PERTURB_KEYS": "0"}

    def prepare(self):
        self.folder = source("perl")
        # Tests of the language look for the library beside them.
        library = self.folder / "lib-installed"
        if not library.exists():
            for part in ("/usr/share/perl/5.36", "/usr/lib/x86_64-linux-gnu/perl/5.36", "/usr/lib/x86_64-linux-gnu/perl-base"):
                make("cp", "-rsfL", f"{part}/.", library, folder=self.folder) if library.exists() else make("cp", "-rs", part, library, folder=self.folder)

    def version(self):
        return source_version("perl")

    def parts(self):
        return {name: True for name in (*MODULES, "language")}

    def run(self, part, tests, environment, folder):
        """A copy of the part is run: tests write beside themselves."""
        if part == "language":
            shutil.copytree(self.folder / "t", folder / "t", symlinks=True)
            (folder / "lib").symlink_to(self.folder / "lib-installed")
            files, root = [folder / "t" / name for name in LANGUAGE], folder / "t"
        else:
            root = folder / "module"
            shutil.copytree(self.folder / part, root, symlinks=True)
            files = sorted(root.glob("t/*.t"))
        # Once run alone, a test of a file cannot be: the file.
        wanted = {test.split()[0] for test in tests or ()}
        verdicts = {}
        for file in files:
            name = str(file.relative_to(root))
            if tests and name not in wanted:
                continue
            status, said = run_to_end(["perl", "-I.", "-It/lib", "-Ilib", file], environment | {"TMPDIR": str(folder)}, folder, 120, cwd=root)
            verdicts |= tap(name, said)
            verdicts[f"{name} as a whole"] = f"exit {status}"
        return verdicts
