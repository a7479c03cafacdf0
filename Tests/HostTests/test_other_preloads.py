"""Beside the libraries that people preload: in both orders the program is the same, and each request is one span.

One script runs the real programs, and Python with ctypes and the small program that looks things up; all inherit LD_PRELOAD.
"""

import socket
import subprocess
from pathlib import Path

import pytest

from harness import preloads, programs
from harness.agent import DIST, wait_until

PYTHON = "/usr/bin/python3"
LIBRARIES = Path("/usr/lib/x86_64-linux-gnu")

# File, and the variables that make it work. {} is a folder of the test's own.
OTHERS = {
    "libfaketime": (LIBRARIES / "faketime/libfaketime.so.1", {"FAKETIME": "+0"}),
    "proxychains4": (LIBRARIES / "libproxychains.so.4", {"PROXYCHAINS_QUIET_MODE": "1", "PROXYCHAINS_CONF_FILE": "{}/proxychains.conf"}),
    "nss_wrapper": (LIBRARIES / "libnss_wrapper.so", {}),
    "jemalloc": (LIBRARIES / "libjemalloc.so.2", {}),
    "tcmalloc": (LIBRARIES / "libtcmalloc_minimal.so.4", {}),
    "mimalloc": (LIBRARIES / "libmimalloc.so.2.0", {}),
    "snoopy": ("/lib/x86_64-linux-gnu/libsnoopy.so", {}),
    "eatmydata": (LIBRARIES / "libeatmydata.so", {}),
    "fakeroot": (LIBRARIES / "libfakeroot/libfakeroot-sysv.so", {}),
    "stdbuf": ("/usr/libexec/coreutils/libstdbuf.so", {"_STDBUF_O": "L"}),
    "heaptrack": ("/usr/lib/heaptrack/libheaptrack_preload.so", {"DUMP_HEAPTRACK_OUTPUT": "{}/heaptrack.$$"}),
    # Caches of unwinders look like this one.
    "dl_iterate_phdr": (None, {}),
}
# Each is given LD_PRELOAD anew: heaptrack takes it from the children of whom it is loaded into.
SCRIPT = """
run() { env LD_PRELOAD="$PRELOAD" "$@"; }
run curl -sS "$1/curl"
run "$2" "$3/pycurl_client.py" "$1/pycurl"
run "$2" "$3/ctypes_client.py" "$1/ctypes" libcurl.so.4 libcurl-gnutls.so.4
[ "$6" = heaptrack ] || run git ls-remote "$1/git" 2>&1
# Debian's Redis is linked with jemalloc, which waits for itself when libfaketime is there, without us.
[ "$6" = libfaketime ] || run redis-cli -p "$4" ping
run "$5" libcurl.so.4
"""


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    """A port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path_factory.mktemp("redis"))]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def answers():
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    assert wait_until(answers)
    yield port
    server.terminate()
    server.wait()


def ways(other):
    return {"before": f"{other}:{DIST.library}", "after": f"{DIST.library}:{other}"}


@pytest.mark.parametrize("name", OTHERS)
def test_beside(agent, receiver, web, redis, tmp_path, name):
    file, variables = OTHERS[name]
    other = Path(file) if file else programs.library("iterates.so")
    assert other.exists()
    (tmp_path / "proxychains.conf").write_text("strict_chain\nlocalnet 127.0.0.0/255.0.0.0\n[ProxyList]\nsocks5 127.0.0.1 9\n")
    variables = {key: value.format(tmp_path) for key, value in variables.items()}
    lookups = programs.build("lookups", libraries=["-ldl"])
    command = ["sh", "-c", SCRIPT, "sh", web.url, PYTHON, programs.SOURCES, redis, lookups, name]
    if name == "fakeroot":
        # It starts the server that the library asks.
        command = ["fakeroot", "--", *command]
    outcomes = {}
    for order, preload in {"alone": other, **ways(other)}.items():
        done = agent.run(*command, environment=agent.bare_environment(PRELOAD=preload, **variables), timeout=120)
        outcomes[order] = (done.returncode, *(text.replace(str(web.port), "PORT") for text in (done.stdout, done.stderr)))
    assert outcomes["alone"][0] == 0 and ("PONG" in outcomes["alone"][1] or name == "libfaketime"), outcomes["alone"]
    assert outcomes["before"] == outcomes["alone"]
    assert outcomes["after"] == outcomes["alone"]
    # git's requests are made by a child.
    count = 4 if name == "heaptrack" else 5
    bare, traced = web.requests[:count], web.requests[count:]
    assert [request.traceparent for request in bare] == [None] * count
    assert len(traced) == 2 * count
    connects = 0 if name == "libfaketime" else 2
    spans = receiver.wait(2 * count + connects)
    assert sorted(span.scope.rpartition(".")[2] for span in spans) == ["curl"] * 2 * count + ["sockets"] * connects
    assert {request.traceparent[36:52] for request in traced} == {span.span_id for span in spans if span.scope.endswith("curl")}
