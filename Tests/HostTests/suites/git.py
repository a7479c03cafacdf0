"""git's own tests of what it does over HTTP and over its own protocol: Debian's git, with Debian's Apache as the server."""

from harness.webserver import closed_port

from .suite import Suite, make, owner, run_to_end, source, source_version, tap

PARTS = (
    "t5551-http-fetch-smart t5550-http-fetch-dumb t5541-http-push-smart t5561-http-backend t5539-fetch-http-shallow t5540-http-push-webdav "
    "t5542-push-http-shallow t5549-fetch-push-http t5557-http-get t5558-clone-bundle-uri t5559-http-fetch-smart-http2 t5581-http-curl-verbose "
    "t5812-proto-disable-http t5702-protocol-v2 t5570-git-daemon t5562-http-backend-content-length t5516-fetch-push t5601-clone"
).split()
# Without a connection of their own.
LOCAL = ("t5562-http-backend-content-length", "t5516-fetch-push", "t5601-clone")
# Only the tests' helpers are built.
OPTIONS = "NO_GETTEXT=1 NO_TCLTK=1 NO_PYTHON=1 CFLAGS=-O0".split()
HELPERS = "GIT-BUILD-OPTIONS t/helper/test-tool t/helper/test-fake-ssh".split()


class Git(Suite):
    name = "git"
    origin = "The tests of the source of Debian's git, with the git that is installed and Debian's Apache; `OTEL_PROPAGATORS=none`, as some compare headers"
    # Apache's tests are skipped for root.
    user = "nobody"
    variables = {
        "OTEL_PROPAGATORS": "none",
        "GIT_TEST_INSTALLED": "/usr/bin",
        "GIT_TEST_HTTPD": "true",
        "GIT_TEST_GIT_DAEMON": "true",
        # Its own malloc would come by LD_PRELOAD, and ours be taken away.
        "TEST_NO_MALLOC_CHECK": "1",
    }

    def prepare(self):
        self.folder = source("git")
        if not (self.folder / "templates/blt").exists():
            make("make", "-j2", *OPTIONS, *HELPERS, folder=self.folder)
            make("make", "-C", "templates", *OPTIONS, folder=self.folder)

    def version(self):
        return source_version("git")

    def parts(self):
        return {name: name in LOCAL for name in PARTS}

    def run(self, part, tests, environment, folder):
        """A file's tests build on each other, so it is always run whole."""
        ports = {name: str(closed_port()) for name in ("LIB_HTTPD_PORT", "LIB_GIT_DAEMON_PORT")}
        status, said = run_to_end(
            ["sh", f"./{part}.sh"],
            environment | ports | {"TEST_OUTPUT_DIRECTORY": str(folder)},
            folder,
            timeout=900,
            cwd=self.folder / "t",
            **owner(self.user),
        )
        return tap(part, said) | {f"{part} as a whole": f"exit {status}"}
