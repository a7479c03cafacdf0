"""Every way in which a program gets at libcurl: what is traced, what passes untraced, and that neither can tell the agent is there.

WAYS is the table. Each of its cells is run; docs/coverage.md is made from it by `python3 Tests/HostTests/test_reach.py`.
"""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import debian, programs
from harness.agent import REPOSITORY
from harness.twin import outcome

CLIENT = 3
PYTHON = "/usr/bin/python3"  # Debian's: python3-pycurl and the wheels are for this one
WHEELS = REPOSITORY / ".build-python/wheels"
OLD_WHEEL, NEW_WHEEL = WHEELS / "pycurl-7.45.3", WHEELS / "pycurl-7.49.0"

# The columns: what the libcurl is, and its file, which dlopen finds by that name or path.
FLAVOURS = {
    "openssl": ("Debian 12, OpenSSL", lambda: "libcurl.so.4"),
    "gnutls": ("Debian 12, GnuTLS", lambda: "libcurl-gnutls.so.4"),
    "nss": ("Debian 12, NSS", lambda: "libcurl-nss.so.4"),
    "bullseye": ("Debian 11, OpenSSL", lambda: debian.libraries_of("bullseye", "libcurl.so.4", programs.BUILT / "bullseye")),
    "wheel": ("in the wheel of pycurl 7.45.3", lambda: one(OLD_WHEEL.glob("pycurl.libs/libcurl-*"))),
    "new_wheel": ("in the wheel of pycurl 7.49.0", lambda: one(NEW_WHEEL.glob("pycurl.libs/libcurl-*"))),
}
VERSIONS = {"openssl": "CURL_OPENSSL_4", "gnutls": "CURL_GNUTLS_3", "nss": "CURL_NSS_3", "bullseye": "CURL_OPENSSL_4"}
TRACED, UNTRACED = True, False


def one(found):
    (file,) = found
    return file


def library_of(flavour):
    """Its file; a wheel's has no version and a name that only the wheel knows."""
    return FLAVOURS[flavour][1]()


def finding(flavour):
    """Words in front of a command, for what the library itself needs: a wheel's extension has that in its RUNPATH."""
    if flavour in ("openssl", "gnutls", "nss"):
        return []
    return ["env", f"LD_LIBRARY_PATH={Path(library_of(flavour)).parent}"]


@dataclass(frozen=True)
class Way:
    """`command(flavour, url)` makes one GET (or HEAD) of `url` and prints what came of it."""

    what: str
    flavours: tuple
    traced: bool
    command: object
    why: str = ""


THIS_DEBIAN = ("openssl", "gnutls", "nss")
DEBIAN = (*THIS_DEBIAN, "bullseye")
ALL = (*DEBIAN, "wheel", "new_wheel")


def linked(flavour):
    """What Debian 11 has under the same name is found by LD_LIBRARY_PATH."""
    return "openssl" if flavour == "bullseye" else flavour


def statically_linked():
    """libcurl.a itself; what that needs is not there as archives."""
    dynamic = subprocess.run(["readelf", "--dynamic", "/usr/lib/x86_64-linux-gnu/libcurl.so.4"], check=True, capture_output=True, text=True).stdout
    others = [f"-l:{name}" for name in re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)]
    client = REPOSITORY / "examples/c-http-client/client.c"
    return programs.build("c-http-client-static", client, libraries=["-l:libcurl.a", *others])


def c_program(way, flags=(), suffix=""):
    def command(flavour, url):
        program = programs.build(f"reach{suffix}", programs.SOURCES / "reach.c", flags=flags, libraries=["-ldl"])
        library = programs.curl_plugin(linked(flavour)) if way.startswith("plugin") else library_of(flavour)
        return [*finding(flavour), program, way, library, url, *([VERSIONS[flavour]] if way == "version" else [])]

    return command


def script(interpreter, name):
    return lambda flavour, url: [*finding(flavour), interpreter, programs.SOURCES / name, url, library_of(flavour)]


def pycurl(flavour, url):
    packages = {"gnutls": [], "wheel": ["env", f"PYTHONPATH={OLD_WHEEL}"], "new_wheel": ["env", f"PYTHONPATH={NEW_WHEEL}"]}[flavour]
    return [*packages, PYTHON, programs.SOURCES / "pycurl_client.py", url]


WAYS = [
    Way("linked with it", DEBIAN, TRACED, lambda flavour, url: [*finding(flavour), programs.http_client(linked(flavour)), url, 1]),
    Way(
        "linked with it statically",
        ("openssl",),
        UNTRACED,
        lambda _, url: [statically_linked(), url, 1],
        "there is no call between two loaded objects to take part in",
    ),
    Way("a plug-in linked with it, `dlopen` with `RTLD_LOCAL`", DEBIAN, TRACED, c_program("plugin-local")),
    Way("the same with `RTLD_GLOBAL`", DEBIAN, TRACED, c_program("plugin-global")),
    Way(
        "the same with `RTLD_DEEPBIND`",
        DEBIAN,
        UNTRACED,
        c_program("plugin-deepbind"),
        "the plug-in asked ld.so for its own libraries first; to change that would change the program, and is done only on request: "
        "`OTEL_NATIVE_DEEPBIND=false`, for files with `curl` in their names",
    ),
    Way("`dlopen` of it with `RTLD_LOCAL`, `dlsym`", ALL, TRACED, c_program("handle-local")),
    Way("the same with `RTLD_GLOBAL`", ALL, TRACED, c_program("handle-global")),
    Way("the same with `RTLD_DEEPBIND`", ALL, TRACED, c_program("handle-deepbind")),
    Way(
        "the same in a program built for glibc before 2.34",
        ALL,
        TRACED,
        c_program("handle-local", ['-DDLSYM_VERSION="GLIBC_2.2.5"'], "-old-dlsym"),
    ),
    Way("`dlsym` of `dlopen(NULL)`", ALL, TRACED, c_program("program")),
    Way("`dlsym` of `RTLD_DEFAULT`, one libcurl in the process", ALL, TRACED, c_program("default")),
    Way(
        "`dlsym` of `RTLD_NEXT`",
        ALL,
        UNTRACED,
        c_program("next"),
        "who asks for what is behind itself is a wrapper of its own; and the answer depends on the caller, which nobody can be for it",
    ),
    Way("`dlvsym`", DEBIAN, UNTRACED, c_program("version"), "it is not hooked: no program is known that asks for libcurl by version"),
    Way("Python, `ctypes`", ALL, TRACED, script(PYTHON, "ctypes_client.py")),
    Way("LuaJIT, `ffi.load`", ALL, TRACED, script("luajit", "ffi_client.lua")),
    Way("Python, pycurl", ("gnutls", "wheel", "new_wheel"), TRACED, pycurl),
    Way(
        "PHP, the curl extension",
        ("openssl",),
        UNTRACED,
        lambda _, url: ["php", programs.SOURCES / "client.php", url],
        "PHP loads its extensions with `RTLD_DEEPBIND`; `OTEL_NATIVE_DEEPBIND=false` takes it off, and then it is traced "
        "(`test_deepbind.py`)",
    ),
]


def run_both(agent, receiver, web, command, target, traced, **variables):
    """Runs bare, then under the agent; both look the same, from the server too. Returns the requests of the second run."""
    before = len(web.requests)
    words = command(f"{web.url}{target}")
    bare = outcome(agent.run_bare(*words, **variables), agent)
    middle = len(web.requests)
    assert bare.status == 0 and middle > before, bare
    assert outcome(agent.run(*words, **variables), agent) == bare
    bare_requests, requests = web.requests[before:middle], web.requests[middle:]
    for plain, with_agent in zip(bare_requests, requests, strict=True):
        assert plain.traceparent is None
        assert [pair for pair in with_agent.headers if pair[0].lower() != "traceparent"] == plain.headers
        assert (with_agent.traceparent is not None) == traced
    return requests


def assert_one_span_each(receiver, web, requests, spans_before=0):
    """One CLIENT span for each request, with what the conventions want, and its context in the request."""
    spans = {span.span_id: span for span in receiver.wait(spans_before + len(requests))[spans_before:]}
    assert len(spans) == len(requests)
    for request in requests:
        span = spans[request.traceparent[36:52]]
        assert (span.trace_id, span.kind, span.name) == (request.traceparent[3:35], CLIENT, request.method)
        assert span.attributes == {
            "http.request.method": request.method,
            "server.address": "127.0.0.1",
            "server.port": web.port,
            "url.full": f"{web.url}{request.target}",
            "http.response.status_code": 200,
            "network.protocol.version": "1.1",
            "network.peer.address": "127.0.0.1",
            "network.peer.port": web.port,
        }


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.what)
def test_way(agent, receiver, web, way):
    requests = []
    for flavour in way.flavours:
        requests += run_both(agent, receiver, web, lambda url, f=flavour: way.command(f, url), f"/{flavour}", way.traced)
    if way.traced:
        assert_one_span_each(receiver, web, requests)
    assert len(requests) == len(way.flavours)


def test_a_new_wheel(agent, receiver, web):
    urls = lambda url: [PYTHON, programs.SOURCES / "pycurl_client.py", url, f"{url}/again"]  # noqa: E731
    requests = run_both(agent, receiver, web, urls, "/x", TRACED, PYTHONPATH=NEW_WHEEL)
    assert [request.values("X-Own") for request in requests] == [["header"]] * 2
    assert "PycURL/7.49.0" in requests[0].values("User-Agent")[0]
    assert_one_span_each(receiver, web, requests)


def test_ctypes_with_all_flavours_in_one_process(agent, receiver, web):
    libraries = [library_of(flavour) for flavour in (*THIS_DEBIAN, "wheel")]
    command = lambda url: [*finding("wheel"), PYTHON, programs.SOURCES / "ctypes_client.py", url, *libraries]  # noqa: E731
    requests = run_both(agent, receiver, web, command, "", TRACED)
    # In the opposite order of their making, each with the option that its own library was given.
    assert [request.target for request in requests] == ["/3", "/2", "/1", "/0"]
    for request, name in zip(requests, ["libcurl/7.61.1 OpenSSL", "NSS", "GnuTLS", "libcurl/7.88.1 OpenSSL"]):
        assert name in request.values("User-Agent")[0]
    assert_one_span_each(receiver, web, requests)


def test_default_name_space_of_luajit(agent, receiver, web):
    """ffi.C is RTLD_DEFAULT: traced while one libcurl is there. With two it is the caller's to know which one it would get."""
    one = run_both(agent, receiver, web, lambda url: ["luajit", programs.SOURCES / "ffi_client.lua", url, "libcurl.so.4", "C"], "", TRACED)
    assert_one_span_each(receiver, web, one)
    libraries = ["libcurl-gnutls.so.4", "libcurl.so.4", "C"]
    bare = agent.run_bare("luajit", programs.SOURCES / "ffi_client.lua", web.url, *libraries)
    two = agent.run("luajit", programs.SOURCES / "ffi_client.lua", web.url, *libraries)
    assert outcome(two, agent) == outcome(bare, agent)
    assert [request.traceparent is not None for request in web.requests[-3:]] == [True, True, False]


@pytest.mark.parametrize("variables", [{"OTEL_NATIVE_DLSYM": "false"}, {"OTEL_NATIVE_DISABLED_INSTRUMENTATIONS": "curl,sockets"}], ids=str)
def test_switched_off(agent, receiver, web, variables):
    run_both(agent, receiver, web, lambda url: c_program("handle-local")("openssl", url), "/", UNTRACED, **variables)
    command = lambda url: [programs.http_client(), url, 1]  # noqa: E731
    linked_is_traced = "OTEL_NATIVE_DLSYM" in variables
    assert len(run_both(agent, receiver, web, command, "/", linked_is_traced, **variables)) == 1


@pytest.mark.parametrize("variables", [{}, {"OTEL_NATIVE_RELAY": "off"}, {"OTEL_NATIVE_DISABLED_INSTRUMENTATIONS": "curl"}], ids=str)
def test_loaded_and_unloaded(agent, receiver, web, variables):
    """The real libraries take each other's places, and one with a live handle stays: each call reaches the one that is there."""
    traced = not variables
    wheels = [next(wheel.glob("pycurl.libs/libcurl-*")) for wheel in (OLD_WHEEL, NEW_WHEEL)]
    libraries = [*(library_of(flavour) for flavour in THIS_DEBIAN), *wheels, *(programs.curl_plugin(flavour) for flavour in THIS_DEBIAN)]
    words = ["env", f"LD_LIBRARY_PATH={OLD_WHEEL}/pycurl.libs:{NEW_WHEEL}/pycurl.libs", programs.build("reload", libraries=["-ldl"])]
    requests = run_both(agent, receiver, web, lambda url: [*words, url, library_of("gnutls"), *libraries], "/", traced, **variables)
    assert len(requests) == 3 * 2 * len(libraries)
    agents = [request.values("User-Agent")[0] for request in requests]
    assert all("GnuTLS" in name for name in agents[1::2])
    # Each round the same, and six libraries (two of GnuTLS, two of OpenSSL's and of NSS's, and the wheels') are told apart.
    assert len(set(agents)) == 5 and agents[::2] == agents[0:16:2] * 3
    if traced:
        spans = receiver.wait(len(requests))
        assert {span.span_id for span in spans} == {request.traceparent[36:52] for request in requests} and len(spans) == len(requests)


# MARK: What is not seen

# Program, whether ld.so may be given the agent by LD_PRELOAD alone, and what is said of it.
UNSEEN = {
    "linked statically": (lambda: programs.build("unseen-static", programs.SOURCES / "unseen.c", flags=["-static"]), True, "ld.so is not asked"),
    "of musl": (
        lambda: programs.build("unseen-musl", programs.SOURCES / "unseen.c", flags=["-static-libgcc"], compiler=("musl-gcc", "-std=gnu11")),
        False,
        "the launcher leaves the agent out; by LD_PRELOAD alone, musl's loader ends it",
    ),
    "of i386": (
        lambda: programs.build("unseen-i386", programs.SOURCES / "unseen.c", flags=["-m32"]),
        False,
        "the launcher leaves the agent out; by LD_PRELOAD alone, ld.so says so on standard error",
    ),
    "that connects by `syscall(2)`": (lambda: unseen("BY_SYSCALL"), True, "passed through"),
    "that connects without libc": (lambda: unseen("BY_INSTRUCTION"), True, "as Go's programs do"),
    "that connects by io_uring": (lambda: unseen("BY_URING", "-luring"), True, "the kernel connects"),
}


def unseen(how, *libraries):
    return programs.build(f"unseen-{how}", programs.SOURCES / "unseen.c", flags=[f"-D{how}"], libraries=libraries)


@pytest.mark.parametrize("what", UNSEEN)
def test_not_seen_and_not_harmed(agent, receiver, acceptor, what):
    """The same output, status and descriptors; the launcher may say why there will be no spans."""
    make, by_preload_alone, _ = UNSEEN[what]
    program = make()
    bare = outcome(agent.run_bare(program, acceptor), agent)
    # io_uring may be forbidden where this runs; it is the same then, too.
    assert bare.status == 0 or "io_uring" in what, bare
    launched = outcome(agent.launch(program, acceptor), agent)
    said = [line for line in launched.stderr.splitlines() if line.startswith("otel-instrument: ")]
    assert len(said) == (0 if "connects" in what else 1)
    assert (launched.status, launched.stdout) == (bare.status, bare.stdout)
    assert [line for line in launched.stderr.splitlines() if line not in said] == bare.stderr.splitlines()
    if by_preload_alone:
        assert outcome(agent.run(program, acceptor), agent) == bare
    # Whatever they had recorded would have been there before this one.
    assert agent.run(programs.build("dialer"), acceptor, 1).returncode == 0
    assert [span.attributes["network.peer.port"] for span in receiver.wait(1)] == [acceptor]


# MARK: docs/coverage.md


def version_of(flavour):
    """As it says itself."""
    script = "import ctypes, sys; f = ctypes.CDLL(sys.argv[1]).curl_version; f.restype = ctypes.c_char_p; print(f().decode())"
    command = [*finding(flavour), PYTHON, "-c", script, library_of(flavour)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return re.match(r"libcurl/([\d.]+)", said)[1]


def defined_by(flavour):
    file = Path("/usr/lib/x86_64-linux-gnu") / library_of(flavour)
    symbols = subprocess.run(["nm", "--dynamic", "--defined-only", file], check=True, capture_output=True, text=True).stdout
    return set(re.findall(r" T (curl_\w+)", symbols))


def wrapped_functions():
    header = (REPOSITORY / "CShims/COTelHookABI/include/COTelHookABI.h").read_text()
    macros = re.findall(r"#define OTEL_CURL_(?:EASY|MULTI)\(F\)(.*?[^\\])\n", header, re.S)
    return re.findall(r"\b(curl_\w+)\b", "".join(macros))


def coverage_document():
    columns = [f"{name}: {version_of(flavour)}" for flavour, (name, _) in FLAVOURS.items()]
    table = lambda first, columns: [f"| {first} | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]  # noqa: E731
    lines = [
        "# Coverage of libcurl",
        "",
        "How a program may get at libcurl, and whether its requests are traced then. Made by `python3 Tests/HostTests/test_reach.py`; each",
        "cell is a run of `test_reach.py::test_way`, without the agent and with it, that must look the same from outside.",
        "",
        *table("libcurl is", columns),
    ]
    notes = []
    for way in WAYS:
        if way.why:
            notes.append(way.why)
        note = f" ({len(notes)})" if way.why else ""
        cells = [("traced" if way.traced else f"untraced{note}") if flavour in way.flavours else "" for flavour in FLAVOURS]
        lines.append(f"| {way.what} | " + " | ".join(cells) + " |")
    lines += [""] + [f"{number}. {note[0].upper()}{note[1:]}." for number, note in enumerate(notes, 1)]
    lines += [
        "",
        "Untraced means passed through: the program gets what it would get without the agent. `OTEL_NATIVE_DLSYM=false` makes all the rows with",
        "`dlsym`, `ctypes` and `ffi` untraced.",
        "",
        "These functions are wrapped, in these libraries; every other one of libcurl is called directly:",
        "",
        *table("function", columns),
    ]
    defined = {flavour: defined_by(flavour) for flavour in FLAVOURS}
    for name in sorted(wrapped_functions()):
        lines.append(f"| `{name}` | " + " | ".join("wrapped" if name in defined[flavour] else "not there" for flavour in FLAVOURS) + " |")
    lines += [
        "",
        "More than one libcurl in a process: a call goes to the library that it was bound to or looked up in, and a handle to the one that made",
        "it, as long as that is loaded. Where that is not certain (a caller without version information that is linked with none or with two of",
        "them, a handle whose record is of another library than the caller asks for, and `RTLD_DEFAULT` beside a second libcurl), the call",
        "passes untraced, and `otel-relay status` counts it. At most 16 libraries are told apart; those of any more are untraced.",
        "",
        "## What is not seen",
        "",
        "Each row is a run of `test_reach.py::test_not_seen_and_not_harmed`: the program is the same under the launcher and, but for musl and",
        "i386, under `LD_PRELOAD` alone.",
        "",
        "| a program | |",
        "|---|---|",
        *(f"| {what} | {why} |" for what, (_, _, why) in UNSEEN.items()),
        "",
        "PyPI's curl_cffi has a libcurl linked into its extension: its requests have no span, its connects are told as any program's.",
        "",
        "Nor, without a run here: a libcurl that is loaded by `dlmopen` into another name space; set-user-id programs, for which ld.so preloads",
        "nothing; Go's own HTTP client.",
        "",
    ]
    return "\n".join(lines)


def test_the_document_is_current():
    assert (REPOSITORY / "docs/coverage.md").read_text() == coverage_document(), "run python3 Tests/HostTests/test_reach.py"


if __name__ == "__main__":
    Path(REPOSITORY / "docs/coverage.md").write_text(coverage_document())
