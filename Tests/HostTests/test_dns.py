"""Names that programs look up: each is one INTERNAL span, with what came of it; addresses are no questions, and libcurl's are its own."""

import os
import threading

import pytest

from harness import programs
from harness.nameserver import FORMERR, NOERROR, SERVFAIL, NameServer, asking
from harness.receiver import STATUS_ERROR, STATUS_UNSET
from harness.twin import outcome
from harness.webserver import closed_port

SCOPE = "otelagent.instrumentation.dns"
PYTHON = "/usr/bin/python3"
MANY = [f"10.9.0.{number}" for number in range(1, 31)]
NAMES = {
    "one.test": ["10.1.2.3"],
    "both.test": ["10.1.2.3", "fe80::1", "2001:db8::1"],
    "many.test": MANY,
    "nodata.test": NOERROR,
    "servfail.test": SERVFAIL,
    "formerr.test": FORMERR,
    "silent.test": None,
    "web.test": ["127.0.0.1"],
}
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a name server has port 53, and files in /etc are others")


def twin(agent, *command, **variables):
    bare, traced = agent.run_bare(*command, **variables), agent.run(*command, **variables)
    assert outcome(traced, agent) == outcome(bare, agent)
    return traced


def names(agent, how, name, *more, **variables):
    """programs/names.c, the same with and without the agent."""
    done = twin(agent, programs.build("names"), how, name, *more, **variables)
    assert done.returncode == 0, done
    return done.stdout


def check(span, name, answers=None, error=None):
    """The span as a whole."""
    assert (span.name, span.kind, span.scope) == (f"DNS lookup {name}", 1, SCOPE)
    attributes = {"dns.question.name": name}
    if answers:
        attributes["dns.answers"] = answers
    if error:
        attributes["error.type"] = error
    assert span.attributes == attributes
    assert (span.status, span.status_message, span.parent_span_id) == (STATUS_ERROR if error else STATUS_UNSET, "", "")


@pytest.fixture
def server():
    server = NameServer(NAMES)
    yield server
    server.stop()


# MARK: What becomes a span

FOUND = {"info": ["127.0.0.1"], "info4": ["127.0.0.1"], "byname": None, "byname4": None, "r": ["127.0.0.1"], "r4": ["127.0.0.1"]}


@pytest.mark.parametrize("how", FOUND)
def test_found(agent, receiver, how):
    """By each function. What the older ones answer is in memory that any thread may overwrite: nobody looks at it."""
    names(agent, how, "localhost")
    (span,) = receiver.wait(1)
    check(span, "localhost", FOUND[how])


@pytest.mark.parametrize("how", ["info", "info4", "info6", "byname", "byname6", "r", "r6"])
def test_no_such_host(agent, receiver, how):
    names(agent, how, "no-such-host.invalid")
    (span,) = receiver.wait(1)
    check(span, "no-such-host.invalid", error="host_not_found")


REFUSED = {
    "badflags": "invalid_argument",
    "family": "address_family_not_supported",
    "socktype": "socket_type_not_supported",
    "service": "service_not_found",
    "byname_family": "host_not_found",  # as h_errno says
    "r_family": "address_family_not_supported",
}


@pytest.mark.parametrize("how", REFUSED)
def test_what_libc_refuses(agent, receiver, how):
    names(agent, how, "localhost")
    (span,) = receiver.wait(1)
    check(span, "localhost", error=REFUSED[how])


def test_a_buffer_that_is_too_small(agent, receiver):
    """The program asks again, with a larger one: that is the span."""
    assert names(agent, "r_small", "localhost").startswith("gethostbyname_r 34,")
    (span,) = receiver.wait(1)
    check(span, "localhost", ["127.0.0.1"])


def test_asked_for_what_was_answered(agent, receiver):
    """The name is in the memory that the answer is written to."""
    names(agent, "again", "localhost")
    assert [span.name for span in receiver.wait(2)] == ["DNS lookup localhost"] * 2


ASKED = [
    ("info", "one.test", ["10.1.2.3"], None),
    ("r", "one.test", ["10.1.2.3"], None),
    ("info6", "both.test", ["2001:db8::1", "fe80::1"], None),
    ("r6", "both.test", ["2001:db8::1", "fe80::1"], None),
    ("info4", "both.test", ["10.1.2.3"], None),
    ("info4", "nodata.test", None, "host_not_found"),
    ("r", "nodata.test", None, "host_not_found"),
    ("info", "unknown.test", None, "host_not_found"),
    ("info", "servfail.test", None, "try_again"),
    ("byname", "servfail.test", None, "try_again"),
    ("r", "servfail.test", None, "try_again"),
    ("info4", "formerr.test", None, "host_not_found"),  # as libc says then
    ("byname", "formerr.test", None, "no_recovery"),
    ("r", "formerr.test", None, "no_recovery"),
]


@needs_root
@pytest.mark.parametrize("how, name, answers, error", ASKED, ids=lambda value: value if isinstance(value, str) else "")
def test_a_name_server(agent, receiver, server, how, name, answers, error):
    twin(agent, *asking(server, agent.world, programs.build("names"), how, name))
    assert name in server.asked
    (span,) = receiver.wait(1)
    # In the order that the program gets, which has rules of its own (RFC 6724).
    assert sorted(span.attributes.get("dns.answers", [])) == sorted(answers or [])
    check(span, name, span.attributes.get("dns.answers"), error)


@needs_root
def test_a_name_server_that_does_not_answer(agent, receiver, server):
    done = twin(agent, *asking(server, agent.world, programs.build("names"), "info4", "silent.test"))
    assert done.stdout.startswith("getaddrinfo -3,")  # EAI_AGAIN
    (span,) = receiver.wait(1)
    check(span, "silent.test", error="try_again")
    assert span.end - span.start >= 900_000_000, "as long as the resolver waited"


@needs_root
def test_many_answers(agent, receiver, server):
    """Sixteen of them are told, each once."""
    said = twin(agent, *asking(server, agent.world, programs.build("names"), "info", "many.test")).stdout
    (span,) = receiver.wait(1)
    answers = span.attributes["dns.answers"]
    assert len(answers) == len(set(answers)) == 16 and set(answers) < set(MANY)
    assert answers == list(dict.fromkeys(said.partition(":")[2].split()))[:16]


WILD = ["a" * 63 + ".invalid", "x" * 300, b"caf\xc3\xa9.invalid", b"bad\xff\xfe.invalid", b"\xe2\x82\xac" * 85 + b"zz", "a b\tc.invalid", "..", "a..b.invalid"]


@pytest.mark.parametrize("name", WILD, ids=lambda name: repr(name)[:20])
def test_names_that_are_none(agent, receiver, name):
    """Any bytes of any length: cut to 255 in the attribute, to 127 with the span's name, between characters, and valid UTF-8."""
    given = os.fsdecode(name) if isinstance(name, bytes) else name
    names(agent, "info4", given)
    (span,) = receiver.wait(1)
    asked = span.attributes["dns.question.name"]
    whole = os.fsencode(given).decode(errors="replace")
    assert whole.startswith(asked) and (asked == whole or len(os.fsencode(given)) > 255)
    assert span.name.startswith("DNS lookup ") and ("DNS lookup " + asked).startswith(span.name) and len(span.name.encode()) <= 127


def test_limits(agent, receiver):
    names(agent, "info4", "localhost", OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT=5)
    (span,) = receiver.wait(1)
    assert span.attributes == {"dns.question.name": "local", "dns.answers": ["127.0"]}
    names(agent, "info4", "localhost", OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=1)
    span = receiver.wait(2)[1]
    assert (span.attributes, span.dropped_attributes) == ({"dns.question.name": "localhost"}, 1)


# MARK: What does not

NONE = [("info", "127.0.0.1"), ("info", "::1"), ("info", "127.1"), ("info", "0x7f000001"), ("info", "fe80::1%lo"), ("numeric", "localhost"),
        ("numeric", "127.0.0.1"), ("nothing", "localhost"), ("local", "localhost"), ("byname", "127.0.0.1"), ("r", "127.0.0.1"), ("info", ""),
        ("byname6", "::1")]  # fmt: skip


@pytest.mark.parametrize("how, name", NONE)
def test_no_question(agent, receiver, how, name):
    names(agent, how, name)
    # A span that is expected, after it: what was recorded before would have come with it.
    names(agent, "info4", "localhost")
    assert [span.name for span in receiver.wait(2, timeout=0.5)] == ["DNS lookup localhost"]


@pytest.mark.parametrize("variables", [
    {"OTEL_NATIVE_DISABLED_INSTRUMENTATIONS": "dns"}, {"OTEL_NATIVE_DISABLED_INSTRUMENTATIONS": "*"}, {"OTEL_TRACES_SAMPLER": "always_off"},
    {"OTEL_NATIVE_DISABLED": "true"}], ids=str)  # fmt: skip
def test_off(agent, receiver, variables):
    for how in ("info", "byname", "r"):
        names(agent, how, "localhost", **variables)
    assert not receiver.wait(1, timeout=0.3)


def test_a_parent(agent, receiver):
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    names(agent, "info4", "localhost", TRACEPARENT=parent)
    (span,) = receiver.wait(1)
    assert (span.trace_id, span.parent_span_id) == (parent[3:35], parent[36:52])


OWN = """
import socket
own = socket.gethostname()
for name in (own, own, "localhost"):
    try:
        print(socket.getaddrinfo(name, 80, flags=socket.AI_CANONNAME)[0][3] != "")
    except OSError as error:
        print(error)
"""


def test_what_the_machine_itself_is_called(agent, receiver):
    """git and libldap ask that, whomever they talk to."""
    twin(agent, PYTHON, "-c", OWN)
    receiver.wait(1)
    assert [span.name for span in receiver.wait(2, timeout=0.5)] == ["DNS lookup localhost"]


# MARK: libcurl, which has a thread of its own for it

CLIENTS = {
    "curl": lambda url: ["curl", "-sS", url],
    "curl, in parallel": lambda url: ["curl", "-sS", "--parallel", url],
    "linked": lambda url: [programs.http_client(), url, 1],
    "GnuTLS": lambda url: [programs.http_client("gnutls"), url, 1],
    "pycurl": lambda url: [PYTHON, programs.SOURCES / "pycurl_client.py", url],
    "ctypes": lambda url: [PYTHON, programs.SOURCES / "ctypes_client.py", url, "libcurl.so.4"],
}


def local(url):
    """The same by name."""
    return url.replace("127.0.0.1", "localhost")


def resolved(url):
    """By a name that has to be looked up: libcurl knows localhost by itself."""
    return url.replace("127.0.0.1", "web.test")


@needs_root
@pytest.mark.parametrize("name", CLIENTS)
def test_a_request_is_one_span(agent, receiver, web, server, name):
    done = agent.run(*asking(server, agent.world, *CLIENTS[name](resolved(web.url))))
    assert done.returncode == 0, done.stderr
    assert "web.test" in server.asked and receiver.wait(1, where=lambda span: span.name == "GET")
    assert {span.name for span in receiver.wait(3, timeout=0.5)} == {"GET"}


@needs_root
def test_a_request_that_is_not_sampled(agent, receiver, web, server):
    command = asking(server, agent.world, "curl", "-sS", resolved(web.url))
    done = agent.run(*command, OTEL_TRACES_SAMPLER="traceidratio", OTEL_TRACES_SAMPLER_ARG="0.000001")
    assert done.returncode == 0 and "web.test" in server.asked and not receiver.wait(1, timeout=0.3)


def test_a_request_of_a_name_that_is_none(agent, receiver):
    assert agent.run("curl", "-sS", "http://no-such-host.invalid/").returncode == 6
    assert [(span.name, span.error) for span in receiver.wait(1)] == [("GET", "name_resolution_error")]
    assert len(receiver.wait(2, timeout=0.3)) == 1


@needs_root
def test_without_the_layer_above(agent, receiver, web, server):
    """With libcurl switched off its look-ups are as anybody's."""
    command = asking(server, agent.world, "curl", "-sS", resolved(web.url))
    assert agent.run(*command, OTEL_NATIVE_DISABLED_INSTRUMENTATIONS="curl").returncode == 0
    assert {span.name for span in receiver.wait(2)} == {"DNS lookup web.test", f"socket connect 127.0.0.1:{web.port}"}


# MARK: Where it may be called

def test_children(agent, receiver):
    names(agent, "fork", "localhost")
    spans = receiver.wait(2)
    assert len({span.span_id for span in spans}) == len({span.resource["process.pid"] for span in spans}) == 2


@pytest.mark.parametrize("how", ["vfork", "signal"])
def test_places(agent, receiver, how):
    names(agent, how, "localhost")
    assert {span.name for span in receiver.wait(1)} == {"DNS lookup localhost"}


def test_threads(agent, receiver):
    assert names(agent, "many", "localhost", 500, OTEL_BSP_MAX_QUEUE_SIZE=10_000) == "2001\n"
    spans = receiver.wait(2001)
    assert len({span.span_id for span in spans}) == len({span.trace_id for span in spans}) == 2001


@needs_root
def test_threads_that_are_cancelled(agent, receiver, server):
    """In the middle of it, while nobody answers; what comes afterwards is no child of what is gone."""
    command = asking(server, agent.world, programs.build("cancelled_names"), 20, "silent.test", "one.test")
    assert twin(agent, *command).stdout == "20 cancelled, then 0\n"
    (span,) = receiver.wait(1, where=lambda span: not span.error)
    check(span, "one.test", ["10.1.2.3"])
    assert agent.relay_report()["spans"]["droppedByProcesses"]["neverReturned"] == 20


@needs_root
def test_a_process_that_dies_meanwhile(agent, receiver, server):
    command = asking(server, agent.world, programs.build("names"), "info4", "silent.test")
    process = agent.start(*command, stdout=-1)
    waiting = threading.Event()
    while "silent.test" not in server.asked:
        waiting.wait(0.01)
    process.kill()
    process.communicate()
    (span,) = receiver.wait(1)
    check(span, "silent.test", error="process_ended")


# MARK: Programs as they are installed

def closed(receiver, count):
    return [(span.name, span.error) for span in receiver.wait(count)]


PROGRAMS = {
    "getent": (["getent", "ahosts", "localhost"], 1),
    "python": ([PYTHON, "-c", "import socket; print(socket.getaddrinfo('localhost', 80))"], 1),
    "python, gethostbyname_r": ([PYTHON, "-c", "import socket; print(socket.gethostbyname_ex('localhost'))"], 1),
    "perl, gethostbyname_r": (["perl", "-e", 'print join ".", unpack "C4", gethostbyname "localhost"'], 1),
    "node": (["node", "-e", 'require("dns").lookup("localhost", (error, address) => console.log(error, address))'], 1),
    "php": (["php", "-r", 'echo gethostbyname("localhost");'], 1),
    "luasocket": (["luajit", "-e", 'print((require("socket").dns.toip("localhost")))'], 1),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(agent, receiver, name):
    command, count = PROGRAMS[name]
    assert twin(agent, *command).returncode == 0
    assert {span.name for span in receiver.wait(count)} == {"DNS lookup localhost"}
    assert {span.error for span in receiver.spans} == {None}


@pytest.mark.parametrize("command", [["getent", "ahosts", "no-such-host.invalid"], ["wget", "-q", "--tries=1", "http://no-such-host.invalid/"],
                                     ["ssh", "-F", "none", "-o", "BatchMode=yes", "no-such-host.invalid"]], ids=lambda command: command[0])  # fmt: skip
def test_program_that_finds_nothing(agent, receiver, command):
    assert twin(agent, *command).returncode != 0
    assert set(closed(receiver, 1)) == {("DNS lookup no-such-host.invalid", "host_not_found")}


def test_wget(agent, receiver, web, tmp_path):
    """The look-up, then the connect."""
    twin(agent, "wget", "-q", "--tries=1", "-O", tmp_path / "file", local(web.url))
    assert closed(receiver, 2) == [("DNS lookup localhost", None), (f"socket connect 127.0.0.1:{web.port}", None)]


def test_ssh(agent, receiver):
    """A program that closes what it has inherited, and asks with a service's name."""
    port = closed_port()
    done = twin(agent, "ssh", "-F", "none", "-o", "BatchMode=yes", "-p", port, "localhost")
    assert done.returncode == 255
    found = closed(receiver, 2)
    assert ("DNS lookup localhost", None) in found and (f"socket connect 127.0.0.1:{port}", "connection_refused") in found


@needs_root
def test_modules_of_libc_are_silent(agent, receiver, acceptor):
    """nss_wrapper and its like answer in libc's place; what such a module connects to is the look-up's layer."""
    module = programs.build("libnss_dialing.so.2", programs.SOURCES / "nss_dialing.c", flags=["-shared", "-fPIC"])
    (agent.world / "nsswitch.conf").write_text("hosts: dialing\n")
    script = f'mount --bind {agent.world}/nsswitch.conf /etc/nsswitch.conf && exec "$@"'
    command = ["unshare", "-m", "sh", "-c", script, "sh", programs.build("names"), "info4", "anything.test"]
    said = twin(agent, *command, LD_LIBRARY_PATH=module.parent, DIAL_PORT=acceptor).stdout
    assert said.startswith("getaddrinfo 0, errno 0,") and said.endswith(": 10.7.7.7\n")
    assert receiver.wait(1)
    (span,) = receiver.wait(2, timeout=0.5)
    check(span, "anything.test", ["10.7.7.7"])
