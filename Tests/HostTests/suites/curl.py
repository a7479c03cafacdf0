"""curl's own tests: its command line and its library, with its own servers, all of them (and the perl that runs them) under the agent."""

import fcntl
import re

from .suite import Suite, make, owner, run_to_end, source, source_version

# The last two only rename the library for Debian's other flavours.
RENAMING = ("99_nss.patch", "90_gnutls.patch")
OPTIONS = "--with-openssl --enable-versioned-symbols --disable-static --disable-ldap --disable-manual --without-libpsl --without-brotli --without-zstd --without-libidn2".split()
# Keywords of runtests.pl; one part for each, since a part ends as a whole if it hangs.
KEYWORDS = ("multi", "HTTP", "FTP", "SMTP", "IMAP", "POP3", "cookies", "SOCKS5", "MQTT", "TFTP", "FILE")


class Curl(Suite):
    name = "curl"
    origin = "The source of Debian's curl, built with OpenSSL, `tests/runtests.pl`, tests by keyword; `OTEL_PROPAGATORS=none`, so that the wire is as it was"
    variables = {"OTEL_PROPAGATORS": "none"}
    # Its servers refuse to be root's for some tests.
    user = None
    runner = "runtests.pl"

    def prepare(self, with_library=True):
        """Configured once; `with_library`: curl, libcurl and the programs that test it, which takes some minutes."""
        self.folder = source("curl")
        if not (self.folder / "Makefile").exists() or not (self.folder / "lib/Makefile").exists():
            for patch in RENAMING:
                make("patch", "-R", "-p1", "-s", "-f", "-i", f"debian/patches/{patch}", folder=self.folder)
            make("autoreconf", "-fi", folder=self.folder)
            make("./configure", *OPTIONS, "CFLAGS=-O1", folder=self.folder)
        if with_library and not (self.folder / "tests/libtest/lib1521").exists():
            make("make", "-j2", folder=self.folder)
            make("make", "-j2", "-C", "tests", folder=self.folder)
        elif not (self.folder / "tests/server/sws").exists():
            make("make", "-j2", "-C", "tests/server", folder=self.folder)

    def version(self):
        return source_version("curl")

    def parts(self):
        # What the library connects by itself is seen as a request, or not waited for: else nothing is recorded.
        return {keyword: keyword not in ("multi", "HTTP", "cookies") for keyword in KEYWORDS}

    def numbers(self, keyword):
        """Tests that have the keyword and are not disabled by their authors."""
        data = self.folder / "tests/data"
        disabled = set(re.findall(r"^(\d+)", (data / "DISABLED").read_text(), re.M))
        found = [
            int(file.name[4:])
            for file in data.glob("test[0-9]*")
            if f"\n{keyword}\n" in file.read_text(errors="replace").partition("</keywords>")[0] and file.name[4:] not in disabled
        ]
        return [str(number) for number in sorted(found)]

    def run(self, part, tests, environment, folder):
        """A part is a keyword, or numbers of tests for the curl that is installed."""
        is_keyword = not part[0].isdigit()
        program = [] if is_keyword else ["-c", "/usr/bin/curl", "-vc", "/usr/bin/curl"]
        chosen = tests or (self.numbers(part) if is_keyword else part.split())
        # Its servers, their ports' and process ids' files are in its folder: one at a time.
        with open(self.folder / "tests/.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return self.run_tests(program, chosen, environment, folder)

    def run_tests(self, program, chosen, environment, folder):
        # -n: without valgrind; -am: one line for each test, in automake's words.
        status, said = run_to_end(
            ["perl", "-I.", self.runner, "-a", "-n", "-am", *program, *chosen], environment, folder, timeout=1800, cwd=self.folder / "tests", **owner(self.user)
        )
        words = {"PASS": "pass", "FAIL": "fail", "SKIP": "skip", "IGNORED": "fail"}
        return {number: words[word] for word, number in re.findall(r"^(PASS|FAIL|SKIP|IGNORED): (\d+) ", said, re.M)}


class CurlWithPropagation(Curl):
    """With the header: what a test expects to be sent may differ by its line, and by nothing else."""

    name = "curl-propagation"
    origin = "The same with `traceparent`, whose line is taken out of what the servers recorded before it is compared"
    variables = {}
    runner = "runtests-traceparent.pl"

    def prepare(self, with_library=True):
        super().prepare(with_library)
        strip = 'my @strip = getpart("verify", "strip");'
        text = (self.folder / "tests/runtests.pl").read_text()
        if strip not in text:
            raise RuntimeError("runtests.pl compares in another way than it did")
        line = r"push @strip, '^traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]\r?$';"
        (self.folder / "tests" / self.runner).write_text(text.replace(strip, f"{strip} {line}"))

    def parts(self):
        return {"HTTP": False}
