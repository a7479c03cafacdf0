"""Every way in which a program learns what became of a connect: what ends the span, what does not, and that it cannot tell the agent is there.

WAYS is the table. Each of its rows is run; docs/coverage-sockets.md is made from it by `python3 Tests/HostTests/test_socket_reach.py`.
"""

import re
from dataclasses import dataclass

import pytest

from harness.agent import REPOSITORY
from harness.connects import BUILDS, only_span, twin
from harness.webserver import closed_port

OUTCOME, GIVEN_UP, NOTHING = "outcome", "given up", "nothing"
MEANING = {
    OUTCOME: "the span has the outcome, and ends there",
    GIVEN_UP: "the span ends there, without an error: the program gave up",
    NOTHING: "untraced",
}


@dataclass(frozen=True)
class Way:
    """`how` of programs/connects.c; `functions` is what it calls, by the names that glibc exports, in either build."""

    what: str
    how: str
    ends: str
    functions: tuple = ()
    why: str = ""

    @property
    def fails(self):
        """Whether it can be a refusal that is learned."""
        return self.ends == OUTCOME and self.how != "first-getpeername"


def first(name, *others):
    called = ", ".join(f"`{function}`" for function in (name, *others))
    return Way(f"{called} of the socket", f"first-{name}", OUTCOME, (name, *others))


def closing(name):
    return Way(f"`{name}`, before it knew", f"up-{name}", GIVEN_UP, (name,))


LATER = "nothing is known until it is closed, and that the program gave up is all that can be said"
WAYS = [
    Way("`poll`, then `getsockopt` with `SO_ERROR`", "poll", OUTCOME, ("connect", "getsockopt")),
    Way("the same with `select`", "select", OUTCOME),
    Way("the same with `epoll_wait`", "epoll", OUTCOME),
    Way("the same in another thread", "thread", OUTCOME),
    Way("`__connect`, which glibc exports too", "__connect", OUTCOME, ("__connect",)),
    Way("another `connect` of the socket", "again", OUTCOME),
    first("getpeername"),
    *(first(name) for name in ("send", "__send", "sendto", "sendmsg", "write", "__write", "writev")),
    first("recv", "__recv_chk"),
    first("recvfrom", "__recvfrom_chk"),
    first("recvmsg"),
    first("read", "__read_chk"),
    first("__read"),
    *(closing(name) for name in ("close", "__close", "dup2", "__dup2", "dup3", "close_range", "closefrom")),
    Way("`connect` with `AF_UNSPEC`, before it knew", "up-unspecified", GIVEN_UP),
    Way("its end by `exit`, before it knew", "up-exit", GIVEN_UP),
    Way("`readv` of the socket, then `close`", "first-readv", GIVEN_UP, (), "no program is known that needs it: " + LATER),
    Way("`poll` alone, then `close`", "first-poll", GIVEN_UP, (), LATER),
    Way("`SO_ERROR` of a `dup` of the socket, then its end", "first-dup", GIVEN_UP, (), "which descriptors are the same socket is not followed"),
    Way("`connect` by `syscall`", "raw", NOTHING, (), "a system call of the program's own is nobody's to see"),
]


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.how)
def test_way(agent, receiver, acceptor, way, build):
    assert twin(agent, way.how, acceptor, build=build)[0] == "connect -1 115"
    if way.ends == NOTHING:
        assert not receiver.wait(1, timeout=0.5)
    else:
        only_span(agent, receiver, acceptor)


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("way", [way for way in WAYS if way.ends != NOTHING], ids=lambda way: way.how)
def test_refused(agent, receiver, way, build):
    """Only who learns of it is told of it."""
    port = closed_port()
    twin(agent, way.how, port, build=build)
    only_span(agent, receiver, port, "connection_refused" if way.fails else None)


@pytest.mark.parametrize("how", [way.how for way in WAYS if way.how.startswith("up-")])
def test_given_up_while_nobody_answers(agent, receiver, busy_port, how):
    """A caller's own end is no error."""
    twin(agent, how, busy_port)
    only_span(agent, receiver, busy_port)


# MARK: docs/coverage-sockets.md

# For other reasons: socket(2) says what the others are about, and these keep the agent harmless.
LOOK_UPS = {"getaddrinfo", "gethostbyname", "gethostbyname2", "gethostbyname_r", "gethostbyname2_r"}
NOT_ABOUT_OUTCOMES = {"socket", "fork", "__fork", "_Fork", "vfork", "__vfork", "prctl", "syscall", "dlsym", "dlopen"} | LOOK_UPS


STATIC_ANSWERS = {"gethostbyname", "gethostbyname2"}


def wrapped_functions():
    """Those of libc, without versions."""
    names = re.findall(r"^(\w+)@GLIBC_", (REPOSITORY / "scripts/golden/exports.txt").read_text(), re.M)
    return sorted(set(names), key=lambda name: (name.strip("_"), name))


def test_every_wrapped_function_has_its_way():
    assert set(wrapped_functions()) - NOT_ABOUT_OUTCOMES == {function for way in WAYS for function in way.functions}


def coverage_document():
    lines = [
        "# Coverage of sockets",
        "",
        "By what a program learns what became of a connect that it does not wait for, and what its span says then. Made by",
        "`python3 Tests/HostTests/test_socket_reach.py`; each row is several runs of the same program, without optimisation and with",
        "`-D_FORTIFY_SOURCE=3`, without the agent and with it, that must look the same from outside.",
        "",
        "| after a non-blocking or interrupted `connect` of a TCP socket | |",
        "|---|---|",
    ]
    notes = []
    for way in WAYS:
        if way.why:
            notes.append(way.why)
        lines.append(f"| {way.what} | {MEANING[way.ends]}{f' ({len(notes)})' if way.why else ''} |")
    lines += [""] + [f"{number}. {note[0].upper()}{note[1:]}." for number, note in enumerate(notes, 1)]
    lines += [
        "",
        "A `connect` that waits, and is not interrupted, is one span for as long as it takes. A process that dies meanwhile leaves a span with",
        "`error.type=process_ended`. Errors by which nothing is learned (`EALREADY`, `EAGAIN`, `EINTR`, `ENOTCONN`, `EFAULT` …) end nothing.",
        "",
        "These functions of libc are wrapped, under every name that glibc exports for them; all others are called directly:",
        "",
        ", ".join(f"`{name}`" for name in wrapped_functions()) + ".",
        "",
        "No span, or no outcome:",
        "",
        "- UDP, Unix sockets that nobody asked for and that have no parent, and descriptors above 65,535; of connects in progress at once, more than 1,024",
        "  (they are counted);",
        "- a connect under a traced request of libcurl, which is that span's layer;",
        "- sockets that came from another process, by `accept`, or by `socket` as a system call of the program's own;",
        "- TCP Fast Open: `sendto` with `MSG_FASTOPEN` is no connect, and with `TCP_FASTOPEN_CONNECT` a connect ends before anything is sent;",
        "- what libc does inside itself: its connects to name servers, `fclose` of a stream made by `fdopen`, `posix_spawn`;",
        "- io_uring, Go, programs that are linked statically, and set-user-id programs.",
        "",
        "A descriptor that was closed unseen and is a new socket's: nothing is told of the first attempt, and it is counted.",
        "",
        "## Look-ups of names",
        "",
        "| function | span | `dns.answers` |",
        "|---|---|---|",
        *(f"| `{name}` | `DNS lookup {{name}}` | {'no (1)' if name in STATIC_ANSWERS else 'yes'} |" for name in sorted(LOOK_UPS)),
        "",
        "1. The answer is in memory that the next look-up of any thread writes to.",
        "",
        "Whoever answers: a name server, `/etc/hosts`, a cache. `error.type` is `host_not_found` (`EAI_NONAME`, `EAI_NODATA`), `try_again` (`EAI_AGAIN`),",
        "`no_recovery` (`EAI_FAIL`), `address_family_not_supported` (`EAI_FAMILY`, `EAI_ADDRFAMILY`), `invalid_argument` (`EAI_BADFLAGS`), `service_not_found`",
        "(`EAI_SERVICE`), `socket_type_not_supported` (`EAI_SOCKTYPE`), else `_OTHER`; of `h_errno` likewise. Sixteen answers are told at most.",
        "",
        "No span:",
        "",
        "- addresses in the place of names, also as `127.1` and `0x7f000001`, `AI_NUMERICHOST`, no name, hints that ask for `AF_UNIX`;",
        "- a look-up under a traced request of libcurl, and any that libcurl makes, on threads of its own too: its requests' layer, those of other protocols included;",
        "- what a module of libc (`libnss_…`) connects to or looks up meanwhile, which is the look-up's layer;",
        "- the machine's own name with `AI_CANONNAME`: what it is called, which git and libldap ask in each of their processes;",
        "- a buffer that was too small (`ERANGE`): the program asks again;",
        "- addresses that are turned into names (`getnameinfo`, `gethostbyaddr`), which for the most part ask nobody;",
        "- `getaddrinfo_a`, which asks inside libc; `res_query`, `res_send` and their kin; resolvers of a program's own: c-ares, Go's, Node's `dns.resolve`,",
        "  systemd-resolved by D-Bus or varlink; programs that are linked statically.",
        "",
    ]
    return "\n".join(lines)


def test_the_document_is_current():
    assert (REPOSITORY / "docs/coverage-sockets.md").read_text() == coverage_document(), "run python3 Tests/HostTests/test_socket_reach.py"


if __name__ == "__main__":
    (REPOSITORY / "docs/coverage-sockets.md").write_text(coverage_document())
